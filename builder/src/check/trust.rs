//! What Secure Boot makes of the way: who is asked for the next program, and whether it was reached at all.

use builder_pe::PeFile;

use super::step::Step;
use crate::secure_boot::{Judge, Judgement};

/// The way so far. Secure Boot may be off, so a refusal is a note; but whoever has a first program that is signed for
/// Microsoft's keys wants it on, and then it is a warning, as `lint` has it.
#[derive(Clone, Debug)]
pub(crate) struct Trust<'a> {
    /// Who decides about the next program.
    judge: Judge<'a>,
    /// Whether firmware with Microsoft's keys starts the first program; `None` where the next is the first.
    is_wanted: Option<bool>,
    /// The first program that is refused.
    refused: Option<String>,
}

impl<'a> Trust<'a> {
    /// Before the first program.
    pub(crate) fn new() -> Self {
        Self { judge: Judge::Firmware, is_wanted: None, refused: None }
    }

    /// With somebody else to decide.
    pub(crate) fn with_judge<'b>(&self, judge: Judge<'b>) -> Trust<'b> {
        Trust { judge, is_wanted: self.is_wanted, refused: self.refused.clone() }
    }

    /// As boot loaders ask: the protocol of shim, unlike shim itself, does not ask for components (shim, `SBAT.md`).
    pub(crate) fn of_loader(&self) -> Self {
        let judge = match self.judge {
            Judge::Firmware => Judge::Firmware,
            Judge::Shim { shim, .. } => Judge::Shim { shim, needs_sbat: false },
        };
        self.with_judge(judge)
    }

    /// What becomes of the program at `path`, and the way behind it.
    pub(crate) fn behind(&self, program: &PeFile<'_>, path: &str) -> (Step, Self) {
        let who = match self.judge {
            Judge::Firmware => "firmware with Microsoft's keys",
            Judge::Shim { .. } => "this shim",
        };
        let Judgement { starts, why, .. } = self.judge.judge(program, "it");
        let step = if starts {
            Step::right(format!("with Secure Boot, {who} starts it"))
        } else {
            self.refusal(format!("with Secure Boot, {who} refuses it"), why)
        };
        let refused = self.refused.clone().or_else(|| (!starts).then(|| path.to_owned()));
        (step, Self { judge: self.judge, is_wanted: self.is_wanted.or(Some(starts)), refused })
    }

    /// What becomes of what an entry of a menu starts, which people call `name`.
    pub(crate) fn of_entry(&self, program: &PeFile<'_>, name: &str) -> Step {
        let Judgement { starts, told, .. } = self.judge.judge(program, name);
        match &self.refused {
            Some(refused) => {
                Step::note("with Secure Boot, this is not reached", format!("{refused} is refused; by itself, {told}"))
            }
            None if starts => Step::right(format!("with Secure Boot, {told}")),
            None => self.refusal("with Secure Boot".to_owned(), told),
        }
    }

    /// What becomes of a kernel that is no program of the firmware.
    pub(crate) fn of_stranger(&self, name: &str) -> Step {
        let why = format!("nobody starts {name}, as it is no program of the firmware");
        self.refusal("with Secure Boot".to_owned(), why)
    }

    fn refusal(&self, what: String, why: String) -> Step {
        if self.is_wanted == Some(true) { Step::warning(what, why) } else { Step::note(what, why) }
    }
}
