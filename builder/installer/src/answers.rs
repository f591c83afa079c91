//! Answers that were given before anyone asks, as this program uses them. What they can be is said in `builder_medium`.

use builder_block::ByteSize;
use builder_medium::{Answers, DriveFacts};

use crate::cmdline::Asked;
use crate::devices::node;
use crate::drives::Drive;
use crate::failure::Failure;
use crate::medium::Medium;

/// The answers of the kernel command line, or else those of the medium.
pub(crate) fn read(asked: &Asked, medium: &Medium) -> Result<Answers, Failure> {
    let (name, text) = match &asked.answers {
        Some(text) => ("diskwright.answers", text),
        None => (builder_medium::ANSWERS, &medium.answers),
    };
    Answers::parse(name, text).map_err(|error| {
        Failure::new(format!("the answers cannot be used: {error}")).hint(format!("correct them: {}", error.hint()))
    })
}

/// A drive as rules see it.
pub(crate) fn facts(drive: &Drive) -> DriveFacts {
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    DriveFacts {
        name: drive.name.clone(),
        paths: [node(&drive.name).display().to_string()].into_iter().chain(drive.links.iter().cloned()).collect(),
        model: said(&drive.model),
        serial: said(&drive.serial),
        bus: drive.bus,
        size: ByteSize::new(drive.size),
        removable: drive.removable,
    }
}
