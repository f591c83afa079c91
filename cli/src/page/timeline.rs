//! The stages of a boot, to scale.

use std::time::Duration;

use builder_qemu::SmokeReport;
use maud::{Markup, html};

use super::number;

/// Units of the drawing.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 64.0;

/// What a letter of a label takes.
const LETTER: f64 = 7.3;

/// Draws the stages from the start of the machine to the verdict, and lists them below.
pub(crate) fn timeline(report: &SmokeReport) -> Markup {
    let ends = report.timeline.iter().skip(1).map(|reached| reached.at).chain([report.took]);
    let spans: Vec<(String, Duration, Duration)> = report
        .timeline
        .iter()
        .zip(ends)
        .map(|(reached, end)| (reached.stage.to_string(), reached.at, end.max(reached.at)))
        .collect();
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label="the stages of the boot, to scale" {
            rect.free x="0" y="0" width=(WIDTH) height=(HEIGHT) rx="6" {}
            @for (at, (name, start, end)) in spans.iter().enumerate() {
                (span(name, *start, *end, report.took, at))
            }
        }
        div.scroll { table {
            thead { tr { th { "stage" } th.number { "reached" } th.number { "took" } th { "seen by this line" } } }
            @for (at, ((name, start, end), reached)) in spans.iter().zip(&report.timeline).enumerate() {
                tr {
                    td { span class={ "swatch t" (at % 8) } {} (name) }
                    td.number { (seconds(*start)) }
                    td.number { (seconds(end.saturating_sub(*start))) }
                    td.path.mono { @if let Some(sighting) = &reached.sighting { (sighting.line) } }
                }
            }
        } }
    }
}

fn span(name: &str, start: Duration, end: Duration, whole: Duration, at: usize) -> Markup {
    let share = |time: Duration| ratio(millis(time), millis(whole)) * WIDTH;
    let (x, width) = (share(start), share(end) - share(start));
    let fits = name.chars().map(|_| LETTER).sum::<f64>() + 12.0 <= width;
    html! {
        g {
            title { (name) ": " (seconds(end.saturating_sub(start))) }
            rect class={ "t" (at % 8) } x=(number(x)) y="0" width=(number(width.max(2.0))) height=(HEIGHT) {}
            @if fits {
                text x=(number(x + 8.0)) y="26" { (name) }
                text.small x=(number(x + 8.0)) y="44" { (seconds(end.saturating_sub(start))) }
            }
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A part of a whole, 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "drawings have three digits")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64).min(1.0) }
}
