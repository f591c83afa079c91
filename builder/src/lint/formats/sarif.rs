//! A report as SARIF, the form in which code scanners tell of what they found.
//!
//! Source: OASIS, *Static Analysis Results Interchange Format (SARIF) Version 2.1.0*; sections are named below. Of what
//! it offers this uses what GitHub's code scanning reads too.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::formats::hex;
use crate::lint::check::{Check, Severity};
use crate::lint::finding::{Allowed, Finding};
use crate::lint::formats::text::Told;
use crate::lint::registry;
use crate::lint::report::Report;

/// The base of all paths (3.4.4): the root of the image.
const BASE: &str = "IMAGE";

impl Report {
    /// The report as a SARIF log by diskwright of the version `version`.
    #[must_use]
    pub fn sarif(&self, version: &str) -> Value {
        let checks = registry::checks();
        let rules: Vec<Value> = checks.iter().map(|check| rule(check)).collect();
        let result = |finding: &Finding| {
            let mut result = result(finding, &self.source);
            result["ruleIndex"] = checks.iter().position(|check| check.name == finding.check).into();
            result
        };
        let found = self.findings.iter().map(|finding| {
            let mut result = result(finding);
            // 3.27.23: where one result of a run has suppressions, the others say that they have none.
            if !self.allowed.is_empty() {
                result["suppressions"] = json!([]);
            }
            result
        });
        let allowed = self.allowed.iter().map(|Allowed { finding, by, why }| {
            let mut result = result(finding);
            // 3.35: what is suppressed outside of what was scanned.
            let why = why.as_ref().map_or_else(|| by.clone(), |why| format!("{by}: {why}"));
            result["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": why }]);
            result
        });
        let results: Vec<Value> = found.chain(allowed).collect();
        let mut properties = json!({ "image": self.source, "digest": self.digest, "platform": self.platform });
        properties["counts"] = json!(self.counts);
        properties["cut"] = json!(self.cut);
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {
                    "driver": {
                        "name": "diskwright",
                        "version": version,
                        "semanticVersion": version,
                        "rules": rules,
                    },
                },
                "columnKind": "unicodeCodePoints",
                // 3.14.14: what the base is, and not where, as an image has no place in a file system.
                "originalUriBaseIds": { BASE: { "description": { "text": "The root of the image" } } },
                "results": results,
                "properties": properties,
            }],
        })
    }
}

/// 3.58.6 and 3.27.10 have these words for it.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Fatal => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A reportingDescriptor (3.49).
fn rule(check: &Check) -> Value {
    let Check { name, severity, summary, reason, fix, .. } = check;
    json!({
        "id": name,
        "shortDescription": { "text": format!("{summary}.") },
        "fullDescription": { "text": format!("{summary}. {reason}.") },
        "help": {
            "text": format!("{reason}.\n\nFix:\n{fix}\n"),
            "markdown": format!("{reason}.\n\n```dockerfile\n{fix}\n```\n"),
        },
        "defaultConfiguration": { "level": level(*severity) },
        "properties": { "tags": ["container-image", severity.name()] },
    })
}

/// A result (3.27).
fn result(finding: &Finding, source: &str) -> Value {
    let Finding { check, severity, path, fix, .. } = finding;
    // What the whole image is wrong by has the root as its place: a result without one would not be shown.
    let uri = path.as_deref().map_or_else(|| ".".to_owned(), encode);
    let told = Told(finding).to_string();
    json!({
        "ruleId": check,
        "level": level(*severity),
        "message": { "text": format!("{told}\n\nFix:\n{fix}") },
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": uri, "uriBaseId": BASE } },
            "logicalLocations": [{ "fullyQualifiedName": source, "kind": "resource" }],
        }],
        // 3.27.17: the same finding in the next image is the same alert.
        "partialFingerprints": { "diskwright/v1": fingerprint(finding) },
    })
}

fn fingerprint(finding: &Finding) -> String {
    let mut hasher = Sha256::new();
    for part in [finding.check.as_bytes(), finding.path.as_deref().unwrap_or_default(), finding.message.as_bytes()] {
        // The length keeps two parts from being read as one.
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

/// A path as a relative URI: RFC 3986, section 2.3, `unreserved` and the slash stand for themselves.
fn encode(path: &[u8]) -> String {
    let mut uri = String::with_capacity(path.len());
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::encode;

    #[test]
    fn paths_become_uris() {
        for (path, uri) in [
            (&b"usr/lib/a-b_c.so.1"[..], "usr/lib/a-b_c.so.1"),
            (b"a b%c:d", "a%20b%25c%3Ad"),
            (b"\xff\xc3\xa9", "%FF%C3%A9"),
        ] {
            assert_eq!(encode(path), uri);
        }
    }
}
