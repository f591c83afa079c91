//! What was found on a disk, as a page.

use builder::check::CheckReport;
use builder_block::ByteSize;
use maud::{Markup, html};

use crate::page::partition_map::partition_map;
use crate::page::walk::walk;
use crate::page::{Page, Section, Tone, findings};

pub(crate) fn page(report: &CheckReport) -> Page {
    let mut sections = vec![Section::new("Partitions", partition_map(report))];
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
        && report.partitions.iter().all(|partition| partition.findings.is_empty());
    (!nothing).then(|| {
        html! {
            (findings::of_disk("partition table", &report.table_findings))
            @for partition in &report.partitions {
                (findings::of_disk(&format!("partition {}", partition.number), &partition.findings))
            }
            (findings::of_repository(in_repository))
        }
    })
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
