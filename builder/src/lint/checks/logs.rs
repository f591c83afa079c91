//! Logs of the build.

use builder_tree::Node;

use crate::lint::check::{Check, Entry, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static VAR_LOG: Check = Check {
    name: "var-log",
    severity: Severity::Warning,
    origin: Origin::Bootc,
    summary: "A file in `/var/log` is not empty",
    reason: "Logs of the build say things about the machine that built the image, differ from build to build, and \
             stay on every machine made from it",
    fix: "RUN rm -rf /var/log/*",
    run: Run::Walk(var_log),
};

fn var_log(_: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    if entry.is_below(&["var/log"])
        && let Node::Leaf(inode) = entry.node
        && let Some(content) = inode.content().filter(|content| !content.is_empty())
    {
        findings.at(entry.path, format!("a log of {} bytes", content.size()));
    }
}
