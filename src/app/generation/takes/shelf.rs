//! The thread that packs finished pictures and opens packed ones, so that neither holds up a stroke.

use super::facts::Painted;
use crate::app::kit::thumbnail;
use crate::document::{Document, Take};
use egui::ColorImage;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

pub(super) enum Work {
    Pack {
        number: u64,
        take: Arc<Take>,
        document: Box<Document>,
    },
    Open {
        number: u64,
        packed: Arc<[u8]>,
        /// A picture in memory that may be the same one.
        same_as: Option<Arc<Take>>,
    },
}

pub(super) enum Done {
    /// `packed` is absent where the picture cannot carry its project.
    Packed {
        number: u64,
        packed: Option<Arc<[u8]>>,
        small: [ColorImage; 2],
        painted: Painted,
    },
    Opened {
        number: u64,
        result: Result<Opened, String>,
    },
}

/// The way to the thread and back.
pub(super) struct Shelf {
    to: Sender<(u64, Work)>,
    from: Receiver<(u64, Done)>,
    /// The number of the document whose pictures are wanted: those of earlier ones are left.
    wanted: Arc<AtomicU64>,
}

impl Shelf {
    pub(super) fn new(ctx: &egui::Context) -> Self {
        let (to, work) = channel::<(u64, Work)>();
        let (answer, from) = channel();
        let wanted = Arc::new(AtomicU64::new(0));
        let (ctx, theirs) = (ctx.clone(), Arc::clone(&wanted));
        let run = move || {
            for (of, work) in work {
                if of != theirs.load(Ordering::Relaxed) {
                    continue;
                }
                // The receiver is gone only when the window is.
                answer.send((of, work.done())).ok();
                ctx.request_repaint();
            }
        };
        if let Err(error) = std::thread::Builder::new().name("takes".to_owned()).spawn(run) {
            log::error!("no thread for takes: {error}");
        }
        Self { to, from, wanted }
    }

    pub(super) fn send(&self, work: Work) {
        // Without the thread pictures stay open, and only those that are kept in documents are saved.
        self.to.send((self.wanted.load(Ordering::Relaxed), work)).ok();
    }

    /// Leaves what is not done yet.
    pub(super) fn forget(&self) {
        self.wanted.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything done since the last call.
    pub(super) fn done(&self) -> Vec<Done> {
        let wanted = self.wanted.load(Ordering::Relaxed);
        self.from.try_iter().filter(|(of, _)| *of == wanted).map(|(_, done)| done).collect()
    }
}

impl Work {
    fn done(self) -> Done {
        match self {
            Self::Pack { number, take, document } => {
                let packed = document.pack_take(&take);
                if let Err(error) = &packed {
                    log::warn!("a take stays in memory only: {error}");
                }
                Done::Packed { number, packed: packed.ok(), small: small(&take), painted: Painted::of(&document) }
            }
            Self::Open { number, packed, same_as } => Done::Opened { number, result: open(&packed, same_as) },
        }
    }
}

type Opened = Box<(Arc<Take>, Document, [ColorImage; 2], Painted)>;

fn open(packed: &[u8], same_as: Option<Arc<Take>>) -> Result<Opened, String> {
    let document = Document::read_from(packed).map_err(|e| e.to_string())?.document;
    let take = document.take.clone().ok_or("it is not of its canvas's size")?;
    let take = same_as.filter(|known| **known == *take).unwrap_or(take);
    let small = small(&take);
    let painted = Painted::of(&document);
    Ok(Box::new((take, document.without_takes(), small, painted)))
}

/// The picture for the strip, and for the board.
fn small(take: &Take) -> [ColorImage; 2] {
    [thumbnail::of_take(&take.image), thumbnail::on_board(&take.image)]
}
