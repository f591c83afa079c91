//! A disk's partitions, to scale.

use builder::check::{CheckReport, CheckedPartition, Severity};
use builder_block::ByteSize;
use maud::{Markup, html};

use super::{Tone, number};

/// Units of the drawing.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 64.0;

/// What a letter of a label takes.
const LETTER: f64 = 7.3;

/// Draws the disk from its first byte to its last, and lists the partitions below.
pub(crate) fn partition_map(report: &CheckReport) -> Markup {
    let disk = ByteSize::new(report.size);
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label="the partitions, to scale" {
            g { title { (disk) " disk" } rect.free x="0" y="0" width=(WIDTH) height=(HEIGHT) rx="6" {} }
            @for (at, partition) in report.partitions.iter().enumerate() {
                (block(partition, at, report.size))
            }
        }
        div.scroll { table {
            thead { tr {
                th { "" } th { "name" } th { "type" } th { "file system" } th.number { "begins at" }
                th.number { "size" } th { "UUID" }
            } }
            @for (at, partition) in report.partitions.iter().enumerate() {
                @let CheckedPartition { number, name, partition_type, offset, size, filesystem, uuid, label, .. } = partition;
                @let tone = tone(partition);
                tr {
                    td { span class={ "swatch t" (at % 8) } {} (number) }
                    td.path { (name) }
                    td { (partition_type) }
                    td {
                        (filesystem.unwrap_or("not known here"))
                        @if let Some(label) = label { " “" (label) "”" }
                        " " span class=(tone.class()) { (tone.mark()) }
                    }
                    td.number { (ByteSize::new(*offset)) }
                    td.number { (ByteSize::new(*size)) }
                    td.path.mono { (uuid.as_deref().unwrap_or("")) }
                }
            }
        } }
    }
}

fn block(partition: &CheckedPartition, at: usize, disk: u64) -> Markup {
    let share = |bytes: u64| super::timeline::ratio(bytes, disk) * WIDTH;
    let (x, width) = (share(partition.offset), share(partition.size));
    let size = ByteSize::new(partition.size).to_string();
    let fits = |text: &str| text.chars().map(|_| LETTER).sum::<f64>() + 12.0 <= width;
    html! {
        g {
            title { "partition " (partition.number) " " (partition.name) ": " (size) }
            // What would be thinner than a line is a line.
            rect class={ "t" (at % 8) } x=(number(x)) y="0" width=(number(width.max(2.0))) height=(HEIGHT) {}
            @if fits(&partition.name) {
                text x=(number(x + 8.0)) y="26" { (partition.name) }
                @if fits(&size) { text.small x=(number(x + 8.0)) y="44" { (size) } }
            }
        }
    }
}

/// How a partition's contents are.
fn tone(partition: &CheckedPartition) -> Tone {
    match partition.findings.iter().map(|finding| finding.severity).max() {
        None => Tone::Good,
        Some(Severity::Warning) => Tone::Warning,
        Some(Severity::Error) => Tone::Bad,
    }
}
