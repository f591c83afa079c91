//! The stages of a boot, to scale.

use std::time::Duration;

use builder_qemu::SmokeReport;
use maud::{Markup, html};

use super::bar::{Span, bar, swatch};

/// Draws the stages from the start of the machine to the verdict, and lists them below.
pub(crate) fn timeline(report: &SmokeReport) -> Markup {
    let ends = report.timeline.iter().skip(1).map(|reached| reached.at).chain([report.took]);
    let stages: Vec<_> =
        report.timeline.iter().zip(ends).map(|(reached, end)| (reached, end.saturating_sub(reached.at))).collect();
    let spans: Vec<Span> = stages
        .iter()
        .map(|(reached, took)| Span {
            name: reached.stage.to_string(),
            size: seconds(*took),
            start: millis(reached.at),
            length: millis(*took),
        })
        .collect();
    html! {
        (bar("the stages of the boot", &spans, millis(report.took)))
        div.scroll { table {
            thead { tr { th { "stage" } th.number { "reached" } th.number { "took" } th { "seen by this line" } } }
            @for (at, (reached, took)) in stages.iter().enumerate() {
                tr {
                    td.stage { (swatch(at)) (reached.stage) }
                    td.number { (seconds(reached.at)) }
                    td.number { (seconds(*took)) }
                    td.path.mono { @if let Some(sighting) = &reached.sighting { (sighting.line) } }
                }
            }
        } }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
