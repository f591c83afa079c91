//! How the deployment is to be mounted.

use std::collections::BTreeMap;

use builder_tree::FileTree;

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::checks::root::BASE;
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;
use crate::settings::prepare_root;
use crate::suitability::{Composefs, ComposefsProblem};

const PATH: &[u8] = b"usr/lib/ostree/prepare-root.conf";

pub(crate) static BASEIMAGE_COMPOSEFS: Check = Check {
    name: "baseimage-composefs",
    severity: Severity::Warning,
    origin: Origin::Bootc,
    summary: "`prepare-root.conf` is missing, or does not turn composefs on",
    reason: "Without composefs the root is a plain directory in which everything outside of /usr can be changed, \
             and files are not checked",
    fix: "RUN printf '%s\\n' '[composefs]' 'enabled = yes' > /usr/lib/ostree/prepare-root.conf\n\
          # and then make the initramfs anew, which has a copy of it",
    run: Run::Once(baseimage_composefs),
};

fn baseimage_composefs(subject: &Subject, findings: &mut Findings<'_>) {
    if let Some(problem) = problem(&subject.tree) {
        findings.at(PATH, problem);
    }
    if let Some(base) = subject.directory(BASE) {
        let tree = FileTree { root: base.clone() };
        if let Some(problem) = problem(&tree) {
            findings.at(&builder_tree::join(BASE.as_bytes(), PATH), problem);
        }
    }
}

fn problem(tree: &FileTree) -> Option<String> {
    let is_there = ["etc", "usr/etc", "usr/lib"]
        .iter()
        .any(|place| matches!(tree.resolve(format!("{place}/ostree/prepare-root.conf").as_bytes()), Ok(Some(_))));
    let settings = prepare_root(tree);
    if !is_there {
        Some("there is none".to_owned())
    } else if is_on(&settings) {
        None
    } else {
        let value = settings.get("composefs.enabled").map_or("not set", String::as_str);
        Some(format!("composefs is not on: `enabled` in the section [composefs] is {value}"))
    }
}

/// Whether the root will be an overlay: composefs, or a transient root.
fn is_on(settings: &BTreeMap<String, String>) -> bool {
    let is = |key: &str, values: &[&str]| settings.get(key).is_some_and(|value| values.contains(&value.as_str()));
    is("composefs.enabled", &["yes", "true", "1", "maybe", "verity", "signed"]) || is("root.transient", &["true", "1"])
}

pub(crate) static COMPOSEFS_VALUE: Check = Check {
    name: "composefs-value",
    severity: Severity::Fatal,
    origin: Origin::Diskwright,
    summary: "The composefs setting is `signed`, or one that means nothing",
    reason: "There is no key to sign with, so the initramfs would refuse the deployment; a setting without a \
             meaning stops it too",
    fix: "RUN sed -i 's/^enabled *=.*/enabled = yes/' /usr/lib/ostree/prepare-root.conf\n\
          # and then make the initramfs anew, which has a copy of it",
    run: Run::Once(composefs_value),
};

fn composefs_value(subject: &Subject, findings: &mut Findings<'_>) {
    // The initramfs has the last word.
    let image = prepare_root(&subject.tree);
    let (whose, settings) = match subject.early() {
        Some(Ok(early)) => ("in the initramfs", &early.settings),
        _ => ("in the image", &image),
    };
    let Some(value) = settings.get("composefs.enabled") else { return };
    match Composefs::parse(value) {
        Ok(_) => {}
        Err(ComposefsProblem::Signed) => {
            findings.at(PATH, format!("composefs is `signed` {whose}, and diskwright cannot sign"));
        }
        Err(ComposefsProblem::Unknown) => {
            let value = value.escape_debug();
            findings.at(PATH, format!("composefs is `{value}` {whose}, expected yes, no, maybe or verity"));
        }
    }
}
