//! Names of samplers and schedules in other programs.

use crate::document::{Sampler, Schedule};

/// Letters and digits alone, small, with `+` as `p`: `DPM++ 2M SDE` and `dpmpp_2m_sde` are one.
fn plain(name: &str) -> String {
    let letters = name.chars().flat_map(char::to_lowercase).map(|c| if c == '+' { 'p' } else { c });
    letters.filter(|c| c.is_alphanumeric()).collect()
}

/// The sampler of this name in the web UIs, ComfyUI, InvokeAI or NovelAI, and the schedule that is part of the name.
pub(super) fn sampler(name: &str) -> (Option<Sampler>, Option<Schedule>) {
    let name = name.trim();
    // In InvokeAI _k behind the name is Karras; before it, k_ is no more than k-diffusion.
    let (name, karras) = name.strip_suffix("_k").map_or((name, None), |name| (name, Some(Schedule::Karras)));
    let name = plain(name.strip_prefix("k_").unwrap_or(name));
    let ends = [
        ("polyexponential", None),
        ("karras", Some(Schedule::Karras)),
        ("exponential", Some(Schedule::Exponential)),
        ("sgmuniform", Some(Schedule::Sgm)),
        ("trailing", Some(Schedule::Trailing)),
    ];
    let end = ends.iter().find_map(|(end, schedule)| Some((name.strip_suffix(end)?, *schedule)));
    let (name, schedule) = end.unwrap_or((&name, karras));
    let sampler = match name {
        "ddim" | "ddimv3" => Sampler::Ddim,
        "euler" => Sampler::Euler,
        "eulera" | "eulerancestral" => Sampler::EulerAncestral,
        "heun" => Sampler::Heun,
        "dpmpp2m" => Sampler::Dpmpp2m,
        "dpmpp2msde" | "dpmpp2msdegpu" => Sampler::Dpmpp2mSde,
        "unipc" | "unipcbh2" => Sampler::UniPc,
        "lcm" => Sampler::Lcm,
        _ => return (None, schedule),
    };
    (Some(sampler), schedule)
}

/// The schedule of this name; `None` where there is none like it here.
pub(super) fn schedule(name: &str, sampler: Option<Sampler>) -> Option<Schedule> {
    Some(match plain(name).as_str() {
        // The web UIs then take what suits the sampler.
        "automatic" if matches!(sampler, Some(Sampler::Dpmpp2m | Sampler::Dpmpp2mSde)) => Schedule::Karras,
        "automatic" | "default" | "native" | "normal" | "uniform" | "ddim" | "ddimuniform" => Schedule::Normal,
        "karras" => Schedule::Karras,
        "exponential" => Schedule::Exponential,
        "sgmuniform" => Schedule::Sgm,
        // ComfyUI's begins at full noise and takes every n-th level, which is diffusers' trailing.
        "simple" | "trailing" => Schedule::Trailing,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_our_own_is_known() {
        for known in Sampler::ALL {
            for other in Schedule::ALL {
                let title = format!("{} {}", known.title(), other.title());
                let title = title.trim_end_matches(" Normal");
                let of_title = (other != Schedule::Normal).then_some(other);
                assert_eq!(sampler(title), (Some(known), of_title), "{title}");
                assert_eq!(schedule(other.title(), Some(known)), Some(other));
            }
            assert_eq!(sampler(known.name()), (Some(known), None));
        }
    }

    #[test]
    fn other_spellings_are_known() {
        for (name, known) in [
            ("k_euler_ancestral", (Some(Sampler::EulerAncestral), None)),
            ("k_dpmpp_2m", (Some(Sampler::Dpmpp2m), None)),
            ("dpmpp_2m_sde_k", (Some(Sampler::Dpmpp2mSde), Some(Schedule::Karras))),
            ("euler_k", (Some(Sampler::Euler), Some(Schedule::Karras))),
            ("uni_pc_bh2", (Some(Sampler::UniPc), None)),
            ("DPM++ 2M SDE Heun", (None, None)),
            ("k_lms", (None, None)),
            ("", (None, None)),
        ] {
            assert_eq!(sampler(name), known, "{name}");
        }
        assert_eq!(schedule("sgm_uniform", None), Some(Schedule::Sgm));
        assert_eq!(schedule("Automatic", Some(Sampler::Dpmpp2m)), Some(Schedule::Karras));
        assert_eq!(schedule("beta", None), None);
    }
}
