//! The prompts of a part over the steps of a run.

use super::PromptId;

/// A prompt that may change as steps pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Changing {
    first: PromptId,
    /// The others, each from a step on, in the order of the steps.
    later: Vec<(usize, PromptId)>,
}

impl From<PromptId> for Changing {
    fn from(first: PromptId) -> Self {
        Self { first, later: Vec::new() }
    }
}

impl Changing {
    /// `first`, and the others from their steps on, in the order of the steps.
    #[must_use]
    pub fn new(first: PromptId, later: Vec<(usize, PromptId)>) -> Self {
        Self { first, later }
    }

    /// The prompt at a step.
    #[must_use]
    pub fn at(&self, step: usize) -> PromptId {
        self.later.iter().rev().find(|(from, _)| *from <= step).map_or(self.first, |(_, prompt)| *prompt)
    }
}

/// One or several prompts, whose differences from the negative prompt are added: ε = u + s · Σ wᵢ · (cᵢ − u) (Liu et al. 2022,
/// arXiv:2206.01714, equation 12; with one of weight 1 it is classifier-free guidance).
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// Weights and prompts; at least one.
    pub terms: Vec<(f32, Changing)>,
}

impl From<PromptId> for Prompt {
    fn from(prompt: PromptId) -> Self {
        Changing::from(prompt).into()
    }
}

impl From<Changing> for Prompt {
    fn from(prompt: Changing) -> Self {
        Self { terms: vec![(1.0, prompt)] }
    }
}

impl Prompt {
    /// True for one prompt of weight 1, which alone gives a prediction.
    #[must_use]
    pub fn is_single(&self) -> bool {
        matches!(&*self.terms, [(weight, _)] if *weight == 1.0)
    }

    /// Weights and prompts at a step.
    pub fn at(&self, step: usize) -> impl Iterator<Item = (f32, PromptId)> {
        self.terms.iter().map(move |(weight, prompt)| (*weight, prompt.at(step)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_changes_at_its_steps() {
        let [a, b, c] = [0, 1, 2].map(PromptId);
        let changing = Changing::new(a, vec![(3, b), (7, c)]);
        assert_eq!([0, 2, 3, 6, 7, 90].map(|step| changing.at(step)), [a, a, b, b, c, c]);
        assert_eq!(Changing::from(a).at(5), a);
        assert!(Prompt::from(a).is_single() && !Prompt { terms: vec![(0.5, a.into())] }.is_single());
    }
}
