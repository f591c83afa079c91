//! What was found on a disk, as a page.

use builder::check::{CheckReport, MediumReport};
use builder_block::ByteSize;
use maud::{Markup, html};

use crate::page::partition_map::partition_map;
use crate::page::walk::walk;
use crate::page::{Page, Section, Tone, findings};

pub(crate) fn page(report: &CheckReport) -> Page {
    let mut sections = Vec::new();
    if let Some(found) = &report.medium {
        sections.push(Section::new("Medium", medium(found)));
    }
    sections.push(Section::new("Partitions", partition_map(report)));
    if let Some(found) = found(report) {
        sections.push(Section::new("What is wrong", found));
    }
    sections.push(Section::new("Boot", walk(&report.walk)));
    if report.repository.is_some() {
        sections.push(Section::new("ostree", repository(report)));
    }
    if !report.notes.is_empty() {
        sections.push(Section::new("Notes", html! { @for note in &report.notes { p { (note) } } }));
    }
    Page {
        command: "check",
        subject: report.path.display().to_string(),
        tone: if report.sound { Tone::Good } else { Tone::Bad },
        verdict: if report.sound {
            "sound: nothing is damaged, and every way leads to its end".to_owned()
        } else {
            "not sound".to_owned()
        },
        facts: vec![
            ("format", report.format.to_owned()),
            ("size", ByteSize::new(report.size).to_string()),
            ("partition table", report.table.clone()),
        ],
        sections,
    }
}

/// What is wrong with tables and file systems; `None` where nothing is.
fn found(report: &CheckReport) -> Option<Markup> {
    let in_repository = report.repository.as_ref().map_or(&[][..], |repository| &repository.findings);
    let nothing = report.table_findings.is_empty()
        && in_repository.is_empty()
        && report.medium.as_ref().is_none_or(MediumReport::is_clean)
        && report.partitions.iter().all(|partition| partition.findings.is_empty());
    (!nothing).then(|| {
        html! {
            (findings::of_disk("partition table", &report.table_findings))
            @if let Some(medium) = &report.medium {
                (findings::of_disk("volume", &medium.findings))
                @for image in &medium.boot_images {
                    (findings::of_disk(&format!("boot image {}", image.number), &image.findings))
                }
            }
            @for partition in &report.partitions {
                (findings::of_disk(&format!("partition {}", partition.number), &partition.findings))
            }
            (findings::of_repository(in_repository))
        }
    })
}

/// The volume of a medium, and what firmware may start of it.
fn medium(medium: &MediumReport) -> Markup {
    html! {
        p {
            "“" (medium.label.as_deref().unwrap_or("")) "”, " (ByteSize::new(medium.size)) ", " (medium.files) " files in "
            (medium.directories) " directories; " (medium.names.join(", "))
            "; its own checksum: " (medium.checksum.unwrap_or("none"))
        }
        div.scroll { table {
            thead { tr {
                th { "boot image" } th { "for" } th { "file system" } th.number { "begins at" } th.number { "size" }
            } }
            @for image in &medium.boot_images {
                tr {
                    td { (image.number) }
                    td { (image.platform) }
                    td { (image.filesystem.unwrap_or("not known here")) }
                    td.number { (ByteSize::new(image.offset)) }
                    td.number { (ByteSize::new(image.size)) }
                }
            }
        } }
    }
}

fn repository(report: &CheckReport) -> Markup {
    html! {
        @if let Some(repository) = &report.repository {
            p {
                (repository.counts.commits) " commits, " (repository.counts.refs) " refs, " (repository.counts.files)
                " files, of which " (repository.counts.hashed_files) " were hashed"
            }
            div.scroll { table {
                thead { tr {
                    th { "stateroot" } th { "deployment" } th { "follows" } th { "bootable" }
                    th.number { "/etc: added" } th.number { "changed" } th.number { "removed" }
                } }
                @for deployment in &repository.deployments {
                    @let tone = if deployment.bootable { Tone::Good } else { Tone::Bad };
                    tr {
                        td { (deployment.stateroot) }
                        td.path.mono { (deployment.commit) "." (deployment.serial) }
                        td.path { (deployment.origin.as_deref().unwrap_or("nothing")) }
                        td { span class=(tone.class()) { (tone.mark()) } }
                        td.number { (deployment.etc.added) }
                        td.number { (deployment.etc.changed) }
                        td.number { (deployment.etc.removed) }
                    }
                }
            } }
            @for note in &repository.notes { p.reason { (note) } }
        }
    }
}
