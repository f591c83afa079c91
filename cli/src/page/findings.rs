//! What was found.

use builder::check::{DiskFinding, RepositoryFinding, Severity as DiskSeverity};
use builder::lint::{Finding, Report, Severity};
use maud::{Markup, html};

use super::{Tone, prose};

/// What the checks of an image found, the worst first; those of one check together.
pub(crate) fn of_image(report: &Report) -> Markup {
    html! {
        @if report.findings.is_empty() { p { "Nothing was found." } }
        @for group in report.by_check() {
            @if let Some(first) = group.first() { (of_check(report, first, group)) }
        }
        @if !report.allowed.is_empty() {
            details {
                summary { (report.counts.allowed) " allowed" }
                div.scroll { table {
                    thead { tr { th { "check" } th { "what" } th { "allowed by" } th { "why" } } }
                    @for allowed in &report.allowed {
                        tr {
                            td { (allowed.finding.check) }
                            td.path { (place(&allowed.finding)) (allowed.finding.message) }
                            td { (allowed.by) }
                            td { (allowed.why.as_deref().unwrap_or("")) }
                        }
                    }
                } }
            }
        }
        @if !report.passed.is_empty() {
            details {
                summary { (report.passed.len()) " checks found nothing" }
                p { (report.passed.join(", ")) }
            }
        }
    }
}

fn of_check(report: &Report, first: &Finding, group: &[Finding]) -> Markup {
    let tone = of_severity(first.severity);
    let check = builder::lint::find(first.check);
    let more = report.more(first.check);
    html! {
        div.finding {
            p {
                span class=(tone.class()) { (tone.mark()) " " (first.severity) } " "
                strong { (first.check) }
                @if let Some(check) = check { ": " (prose(check.summary)) }
            }
            @if let Some(check) = check { p.reason { (prose(check.reason)) "." } }
            ul {
                @for finding in group { li { (place(finding)) (prose(&finding.message)) } }
                @if more > 0 { li { (more) " more" } }
            }
            details {
                summary { "What to do" }
                @for fixes in group.chunk_by(|one, other| one.fix == other.fix) {
                    @for finding in &fixes[..1] { pre { (finding.fix) } }
                }
            }
        }
    }
}

/// Where something is, before what is wrong with it.
fn place(finding: &Finding) -> Markup {
    html! {
        @if let Some(place) = finding.place() { code { (place) } ": " }
    }
}

fn of_severity(severity: Severity) -> Tone {
    match severity {
        Severity::Fatal => Tone::Bad,
        Severity::Warning => Tone::Warning,
        Severity::Info => Tone::Note,
    }
}

/// What is wrong with structures of a disk; `place` is where they are.
pub(crate) fn of_disk(place: &str, findings: &[DiskFinding]) -> Markup {
    html! {
        @for finding in findings {
            @let DiskFinding { structure, field, found, expected, severity, hint } = finding;
            (row(*severity, &format!("{place}: {structure}"), &format!("{field} is {found}, expected {expected}"), hint.as_deref()))
        }
    }
}

/// What is wrong with a repository.
pub(crate) fn of_repository(findings: &[RepositoryFinding]) -> Markup {
    html! {
        @for finding in findings {
            @let RepositoryFinding { severity, what, where_, found, expected, hint } = finding;
            (row(*severity, where_, &format!("{what}: {found}, expected {expected}"), hint.as_deref()))
        }
    }
}

fn row(severity: DiskSeverity, place: &str, what: &str, hint: Option<&str>) -> Markup {
    let tone = match severity {
        DiskSeverity::Warning => Tone::Warning,
        DiskSeverity::Error => Tone::Bad,
    };
    html! {
        div.finding {
            p { span class=(tone.class()) { (tone.mark()) " " (severity) } " " strong { (place) } }
            p { (what) }
            @if let Some(hint) = hint { p.reason { "What to do: " (hint) } }
        }
    }
}
