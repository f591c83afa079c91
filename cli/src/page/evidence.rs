//! What a boot was judged by.

use builder_qemu::{CheckOutcome, SmokeReport};
use maud::{Markup, html};

use super::Tone;

/// The line that decided, the last lines, units, questions and notes.
pub(crate) fn evidence(report: &SmokeReport) -> Markup {
    html! {
        @if let Some(sighting) = &report.evidence {
            h3 { "The line that decided" }
            pre { (sighting.line) }
            p.reason { "It says “" (sighting.pattern) "”, known from " (sighting.source) "." }
        }
        @if let Some(told) = &report.notification {
            p.reason { "systemd told, after " (format!("{:.1} s", told.at.as_secs_f64())) ", that the system is " (told.state) "." }
        }
        @if !report.failed_units.is_empty() {
            h3 { "Failed units" }
            p.bad { (report.failed_units.join(", ")) }
            @for unit in &report.unit_reports { pre { (unit) } }
        }
        @if !report.allowed_failed_units.is_empty() {
            h3 { "Failed units that may fail" }
            p.reason { (report.allowed_failed_units.join(", ")) }
        }
        @if !report.checks.is_empty() {
            h3 { "What was asked" }
            @for check in &report.checks {
                @let tone = tone(check.outcome);
                p { span class=(tone.class()) { (tone.mark()) " " (check.outcome.name()) } " " code { (check.name) } }
                @if !check.text.is_empty() { pre { (check.text) } }
            }
        }
        @if !report.last_lines.is_empty() {
            h3 { "The last lines of the console" }
            pre { (report.last_lines.join("\n")) }
        }
        @for note in &report.notes { p.reason { "Note: " (note) } }
    }
}

fn tone(outcome: CheckOutcome) -> Tone {
    match outcome {
        CheckOutcome::Passed => Tone::Good,
        CheckOutcome::Failed => Tone::Bad,
        CheckOutcome::NotAsked => Tone::Note,
    }
}
