//! The way from the firmware to the deployments, as a tree.

use builder::check::{Step, Verdict};
use maud::{Markup, html};

use super::{Tone, prose};

/// Deeper steps are left out: a walk has about ten levels.
const DEPTH: usize = 64;

/// Draws the steps.
pub(crate) fn walk(steps: &[Step]) -> Markup {
    html! { ul.walk { @for step in steps { (item(step, 0)) } } }
}

fn item(step: &Step, depth: usize) -> Markup {
    let tone = tone(step.verdict);
    html! {
        li {
            span class={ "mark " (tone.class()) } { (tone.mark()) } " "
            (prose(&step.what))
            @if let Some(reason) = &step.reason { ": " span class=(tone.class()) { (prose(reason)) } }
            @if !step.steps.is_empty() && depth < DEPTH {
                ul { @for step in &step.steps { (item(step, depth + 1)) } }
            }
        }
    }
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Right => Tone::Good,
        Verdict::Note => Tone::Note,
        Verdict::Warning => Tone::Warning,
        Verdict::Broken => Tone::Bad,
    }
}
