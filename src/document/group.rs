//! Groups: regions that are bound together, so that who selects one selects them all.

use super::{Document, RegionId};

impl Document {
    /// The regions of the group that this one is bound to, itself among them, the lowest first; empty where it is bound to none.
    #[must_use]
    pub fn group_of(&self, id: RegionId) -> Vec<RegionId> {
        let group = self.region(id).and_then(|region| region.group);
        let members = self.regions.iter().filter(|region| group.is_some() && region.group == group);
        let members: Vec<RegionId> = members.map(|region| region.id).collect();
        // (The others may have been deleted.)
        if members.len() > 1 { members } else { Vec::new() }
    }

    /// Binds these regions together, and to no others.
    pub fn group(&mut self, ids: &[RegionId]) {
        let number = self.free_groups().next();
        self.regions.iter_mut().filter(|region| ids.contains(&region.id)).for_each(|region| region.group = number);
    }

    /// Looses every group that one of these regions is in.
    pub fn ungroup(&mut self, ids: &[RegionId]) {
        let groups: Vec<u32> = ids.iter().filter_map(|id| self.region(*id)?.group).collect();
        let members = self.regions.iter_mut().filter(|region| region.group.is_some_and(|of| groups.contains(&of)));
        members.for_each(|region| region.group = None);
    }

    /// The numbers that no group has.
    pub fn free_groups(&self) -> impl Iterator<Item = u32> + use<> {
        let taken: Vec<u32> = self.regions.iter().filter_map(|region| region.group).collect();
        (1..).filter(move |number| !taken.contains(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_bound_anew_and_loosed() {
        let mut document = Document::new(64, 64);
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| document.add_region(name, name));
        assert_eq!(document.group_of(a), []);
        document.group(&[a, c]);
        document.group(&[b, d]);
        assert_eq!((document.group_of(a), document.group_of(d)), (vec![a, c], vec![b, d]));
        document.group(&[d, a]);
        assert_eq!(document.group_of(a), [a, d]);
        assert_eq!((document.group_of(b), document.group_of(c)), (vec![], vec![]), "they are left alone");
        document.ungroup(&[d]);
        assert_eq!(document.group_of(a), []);
        assert_eq!(document.region(a).and_then(|region| region.group), None);
    }
}
