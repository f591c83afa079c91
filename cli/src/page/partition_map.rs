//! A disk's partitions, to scale.

use builder::check::{CheckReport, CheckedPartition, Severity};
use builder_block::ByteSize;
use maud::{Markup, html};

use super::Tone;
use super::bar::{Span, bar, swatch};

/// Draws the disk from its first byte to its last, and lists the partitions below.
pub(crate) fn partition_map(report: &CheckReport) -> Markup {
    let span = |partition: &CheckedPartition| Span {
        name: partition.name.clone(),
        size: ByteSize::new(partition.size).to_string(),
        start: partition.offset,
        length: partition.size,
    };
    let spans: Vec<Span> = report.partitions.iter().map(span).collect();
    html! {
        (bar(&format!("the {} disk's partitions", ByteSize::new(report.size)), &spans, report.size))
        div.scroll { table {
            thead { tr {
                th { "" } th { "name" } th { "type" } th { "file system" } th.number { "begins at" }
                th.number { "size" } th { "UUID" }
            } }
            @for (at, partition) in report.partitions.iter().enumerate() {
                @let CheckedPartition { number, name, partition_type, offset, size, filesystem, uuid, label, .. } = partition;
                @let tone = tone(partition);
                tr {
                    td { (swatch(at)) (number) }
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

/// How a partition's contents are.
fn tone(partition: &CheckedPartition) -> Tone {
    match partition.findings.iter().map(|finding| finding.severity).max() {
        None => Tone::Good,
        Some(Severity::Warning) => Tone::Warning,
        Some(Severity::Error) => Tone::Bad,
    }
}
