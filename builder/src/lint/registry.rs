//! All checks, and the page about them.

use std::fmt::Write as _;

use crate::lint::check::{Check, Origin, Severity};
use crate::lint::checks::CHECKS;
use crate::lint::gate;

/// All checks: the worst first, and each severity's in the order of their names.
#[must_use]
pub fn checks() -> Vec<&'static Check> {
    let mut checks = CHECKS.to_vec();
    checks.sort_by_key(|check| (check.severity, check.name));
    checks
}

/// The check of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Check> {
    CHECKS.iter().copied().find(|check| check.name == name)
}

/// The documentation of all checks as a page in Markdown.
#[must_use]
pub fn registry_markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    for severity in Severity::ALL {
        let title = match severity {
            Severity::Fatal => "Fatal: there will be no disk, or none that boots, or the first update fails",
            Severity::Warning => "Warnings: it works, and somebody will regret it",
            Severity::Info => "Infos: worth knowing",
        };
        // Writing to a String does not fail.
        let _ = write!(page, "\n## {title}\n");
        for check in checks().into_iter().filter(|check| check.severity == severity) {
            let Check { name, summary, reason, fix, origin, .. } = check;
            let of_bootc = match origin {
                Origin::Bootc => " `bootc container lint` has it too, under this name.",
                Origin::Diskwright => "",
            };
            let of_build = match (severity, gate::decided(name)) {
                (Severity::Fatal, None) => " `diskwright build` refuses images for it.".to_owned(),
                (Severity::Fatal, Some(why)) => format!(" `diskwright build` decides by itself: {why}."),
                (Severity::Warning | Severity::Info, _) => String::new(),
            };
            let _ = write!(
                page,
                "\n### `{name}`\n\n{summary}.\n\nSeverity: {severity}.{of_bootc}{of_build}\n\n{reason}.\n\n```dockerfile\n{fix}\n```\n"
            );
        }
    }
    page
}

const INTRODUCTION: &str = "\
# The checks of `diskwright lint`

This page is what `diskwright lint --list --format markdown` prints.

An image is read and never run. Each check has a name that does not change. What is known and meant can be allowed: with
`--allow NAME`, with `--allow-file FILE`, or by the image itself in `/usr/lib/diskwright/lint.allow`. Such a file has
lines `NAME [PATH]  # why`; in a path `*` stands for a part of a name, `?` for one byte of it, `**` for a part of a path.
What is allowed is counted and named in every report.
";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{checks, find, registry_markdown};
    use crate::lint::check::Origin;

    #[test]
    fn every_check_is_named_once_and_documented() {
        let page = registry_markdown();
        let mut names = BTreeSet::new();
        for check in checks() {
            let name = check.name;
            assert!(names.insert(name), "{name} is there twice");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || b"-0123456789".contains(&byte)), "{name}");
            for text in [check.summary, check.reason] {
                assert!(!text.is_empty() && !text.ends_with(['.', ' ', '\n']), "{name}: {text}");
                assert!(text.starts_with(|c: char| c.is_uppercase() || "`/".contains(c)), "{name}: {text}");
            }
            for line in check.fix.lines() {
                let known = ["# ", "RUN ", "COPY ", "LABEL ", "FROM "].iter().any(|word| line.starts_with(word));
                assert!(known, "{name}: `{line}` is no line for a Containerfile");
            }
            assert!(page.contains(&format!("### `{name}`\n")), "{name}");
            assert!(std::ptr::eq(find(name).unwrap(), check));
        }
        assert_eq!(find("nothing").map(|check| check.name), None);
    }

    #[test]
    fn the_checks_of_bootc_have_its_names() {
        let bootc: Vec<_> = checks().into_iter().filter(|check| check.origin == Origin::Bootc).collect();
        let names: Vec<_> = bootc.iter().map(|check| format!("{} {}", check.name, check.severity)).collect();
        assert_eq!(
            names,
            [
                "api-base-directories fatal",
                "baseimage-root fatal",
                "bootc-kargs fatal",
                "etc-usretc fatal",
                "kernel fatal",
                "utf8 fatal",
                "var-run fatal",
                "baseimage-composefs warning",
                "buildah-injected warning",
                "nonempty-boot warning",
                "nonempty-run-tmp warning",
                "sysusers warning",
                "var-log warning",
                "var-tmpfiles warning",
            ]
        );
    }
}
