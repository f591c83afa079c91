//! Boots, as a page.

use std::io;
use std::os::unix::fs::FileExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use builder::{BuildError, OutputError, PendingFile};
use builder_qemu::{Accelerator, Verdict};
use maud::{Markup, html};

use super::Outcome;
use super::arguments::Smoke;
use super::words::{self, seconds};
use crate::exit::Exit;
use crate::page::evidence::evidence;
use crate::page::timeline::timeline;
use crate::page::{Page, Section, Tone};
use crate::report::Failure;

/// Larger than any picture of a screen, in bytes.
const PICTURE_LIMIT: u64 = 64 << 20;

/// The page of these boots; `pictures` has a file for each that has a screenshot.
pub(crate) fn page(
    arguments: &Smoke,
    format: &str,
    outcomes: &[Outcome],
    pictures: &[Option<&PendingFile>],
    worst: Exit,
) -> Result<Page, Failure> {
    let mut sections = Vec::new();
    for (outcome, picture) in outcomes.iter().zip(pictures) {
        let report = &outcome.report;
        let tone = tone(report.verdict);
        let picture = picture.filter(|_| outcome.screenshot.is_some()).map(screenshot).transpose()?;
        let body = html! {
            p class=(tone.class()) { (tone.mark()) " " (report.summary) }
            (timeline(report))
            (evidence(report))
            @if let Some(hint) = words::hint(outcome) { h3 { "What to do now" } p { (hint) } }
            @if let Some(picture) = picture { h3 { "The screen at the end" } (picture) }
        };
        sections.push(Section::new(format!("{}: {}", outcome.machine, report.verdict), body));
    }
    let failed = outcomes.iter().filter(|outcome| outcome.report.verdict != Verdict::TargetReached).count();
    let verdict = match (outcomes, failed) {
        ([only], _) => format!("{} after {:.1} s", only.report.summary, seconds(words::reached(&only.report))),
        (_, 0) => format!("all {} machines reached their target", outcomes.len()),
        _ => format!("{failed} of {} machines failed", outcomes.len()),
    };
    let emulated = outcomes.iter().any(|outcome| outcome.accelerator != Accelerator::Kvm);
    Ok(Page {
        command: "smoke",
        subject: arguments.artefact.display().to_string(),
        tone: if worst == Exit::Success { Tone::Good } else { Tone::Bad },
        verdict,
        facts: vec![
            ("format", format.to_owned()),
            ("processor", if emulated { "emulated" } else { "KVM" }.to_owned()),
            ("memory", arguments.memory.to_string()),
            ("processors", arguments.cpus.to_string()),
        ],
        sections,
    })
}

fn tone(verdict: Verdict) -> Tone {
    if verdict == Verdict::TargetReached { Tone::Good } else { Tone::Bad }
}

/// The picture, within the page.
fn screenshot(pending: &PendingFile) -> Result<Markup, Failure> {
    let failed = |source: io::Error| BuildError::from(OutputError::Write { path: pending.path().to_owned(), source });
    let file = pending.file().map_err(BuildError::from)?;
    let length = file.metadata().map_err(failed)?.len().min(PICTURE_LIMIT);
    // At most 64 MiB, which fits every usize.
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0).map_err(failed)?;
    let data = format!("data:image/png;base64,{}", STANDARD.encode(bytes));
    Ok(html! { figure { img src=(data) alt="the screen of the machine at the end"; } })
}
