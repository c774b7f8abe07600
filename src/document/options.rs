//! The choices among the settings. Each is one list: the name on the command line and in files, and the title that menus and the web UIs
//! use where it is a name of its own.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A choice that is known by its name on the command line and in files.
pub trait Choice: Copy {
    /// The names of all of them, in the order menus show them.
    const NAMES: &'static [&'static str];

    /// The one of this name.
    fn from_name(name: &str) -> Option<Self>;

    /// Its name.
    fn name(self) -> &'static str;
}

/// Makes choices of `Variant = "name"` or `Variant = "name", "Title"`.
macro_rules! choices {
    ($(#[$meta:meta])* $choice:ident { $($(#[$doc:meta])* $variant:ident = $name:literal $(, $title:literal)?;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum $choice {
            $($(#[$doc])* $variant,)+
        }

        impl $choice {
            /// Every one, in the order menus show them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// The name on the command line and in files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The name that menus and the web UIs use; that of files where it has no other.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => [$name $(, $title)?].last().copied().unwrap_or($name),)+
                }
            }

            /// The one of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|choice| choice.name() == name)
            }
        }

        impl Choice for $choice {
            const NAMES: &'static [&'static str] = &[$($name),+];

            fn from_name(name: &str) -> Option<Self> {
                Self::from_name(name)
            }

            fn name(self) -> &'static str {
                self.name()
            }
        }

        impl Serialize for $choice {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> Deserialize<'de> for $choice {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                Self::from_name(&name).ok_or_else(|| de::Error::unknown_variant(&name, <Self as Choice>::NAMES))
            }
        }
    };
}

choices! {
    /// The canvas edges that are joined.
    Wrap {
        /// No edges.
        #[default]
        None = "none";
        /// Left and right.
        X = "x";
        /// Top and bottom.
        Y = "y";
        /// Both pairs.
        Xy = "xy";
    }
}

impl Wrap {
    /// True where left and right are joined.
    #[must_use]
    pub fn x(self) -> bool {
        matches!(self, Self::X | Self::Xy)
    }

    /// True where top and bottom are joined.
    #[must_use]
    pub fn y(self) -> bool {
        matches!(self, Self::Y | Self::Xy)
    }
}

choices! {
    /// The samplers, by the names of the command line.
    Sampler {
        /// Denoising diffusion implicit models.
        #[default]
        Ddim = "ddim", "DDIM";
        /// Euler's method.
        Euler = "euler", "Euler";
        /// Euler's method with new noise at each step.
        EulerAncestral = "euler-a", "Euler a";
        /// Heun's method: two evaluations a step.
        Heun = "heun", "Heun";
        /// DPM-Solver++, second order multistep.
        Dpmpp2m = "dpmpp-2m", "DPM++ 2M";
        /// DPM-Solver++, second order multistep, with new noise at each step.
        Dpmpp2mSde = "dpmpp-2m-sde", "DPM++ 2M SDE";
        /// UniPC: predictor and corrector.
        UniPc = "unipc", "UniPC";
        /// Latent consistency models, for checkpoints distilled to few steps.
        Lcm = "lcm", "LCM";
    }
}

impl Sampler {
    /// True where it can follow this schedule: LCM has its own, and that of DMD2.
    #[must_use]
    pub fn follows(self, schedule: Schedule) -> bool {
        self != Self::Lcm || matches!(schedule, Schedule::Normal | Schedule::Trailing)
    }

    /// The number of network evaluations in one step (counted from 0) of a run of `steps`.
    #[must_use]
    pub fn evaluations(self, step: usize, steps: usize) -> usize {
        if self == Self::Heun && step + 1 < steps { 2 } else { 1 }
    }
}

choices! {
    /// The spacing of the steps over the noise levels.
    Schedule {
        /// As the checkpoint's own scheduler configuration says.
        #[default]
        Normal = "normal", "Normal";
        /// Karras et al. 2022, rho 7.
        Karras = "karras", "Karras";
        /// Even in the logarithm of the noise level.
        Exponential = "exponential", "Exponential";
        /// Timesteps counted from the last one down.
        Trailing = "trailing", "Trailing";
        /// The web UIs' SGM Uniform.
        Sgm = "sgm", "SGM Uniform";
    }
}

choices! {
    /// The methods that hold regions to their places.
    Regions {
        /// A UNet pass per region and window; shapes are held.
        #[default]
        MultiDiffusion = "multidiffusion";
        /// One pass per window, in which each place attends to its region's words; shapes are a hint.
        Attention = "attention";
    }
}

choices! {
    /// The rules where regions overlap.
    Overlap {
        /// The upper region covers the lower ones.
        #[default]
        Order = "order";
        /// Their predictions are averaged (the paper).
        Average = "average";
    }
}

choices! {
    /// The weightings of a window's values towards its edges.
    WindowWeights {
        /// All alike (the paper).
        #[default]
        Uniform = "uniform";
        /// Less towards the edges, where a window knows least of what surrounds it; seams at wide strides fade.
        Tent = "tent";
    }
}

choices! {
    /// The programs whose reading of prompts can be followed: emphasis, breaks, changes by steps.
    PromptRule {
        /// AUTOMATIC1111's web UI and Forge.
        #[default]
        WebUi = "web-ui";
        /// ComfyUI; also what projects were drawn by that do not name a rule.
        ComfyUi = "comfy-ui";
    }
}

impl PromptRule {
    /// The words that call a textual inversion of this name in a prompt.
    #[must_use]
    pub fn call_of_embedding(self, name: &str) -> String {
        match self {
            Self::WebUi => name.to_owned(),
            Self::ComfyUi => format!("embedding:{name}"),
        }
    }
}

choices! {
    /// The meanings of a UNet's output. Tensors of few checkpoints tell it, and so some need to be told.
    Prediction {
        /// As the checkpoint says or is known by.
        #[default]
        Auto = "auto";
        /// The noise.
        Epsilon = "epsilon";
        /// The velocity (Salimans and Ho 2022).
        V = "v";
        /// The velocity, of noise whose last level has no signal left (Lin et al. 2023).
        VZsnr = "v-zsnr";
    }
}

choices! {
    /// The surroundings of a region while it bootstraps.
    BootstrapColour {
        /// Solid random colours (the paper).
        #[default]
        Random = "random";
        /// White, with the region moved to the middle of its window (SemanticDraw): better in few steps.
        White = "white";
    }
}
