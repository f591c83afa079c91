//! The documents beside a disk: what it is, what is in it, how it was made, and the checksums of it all.
//!
//! ```text
//!  Plan, recipe, formats ──┬─► result.json               what was built
//!  PackageSet ─────────────┼─► sbom.spdx.json            what is in it
//!  artefacts, their sums ──┼─► provenance.intoto.json    what it was built from, and how
//!                          └─► SHA256SUMS                all of these, and the files of the disk
//!  pass over the disk ───────► disk.raw.bmap             where the disk has data
//! ```
//!
//! The same image, request and program give the same documents: none of them has a path of the host, a user or the
//! time of the day. They are made in memory, once the checksums of the disk's files are known.

mod bmap;
mod checksums;
mod provenance;
mod result;
mod sbom;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use builder_packages::PackageSet;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub(crate) use bmap::Bmap;

use crate::formats::{ClusterCompression, Formats};
use crate::medium::MediumOptions;
use crate::outcome::Artefact;
use crate::plan::Plan;

/// The document that a converted disk has.
pub const CONVERTED_DOCUMENTS: [&str; 1] = [CHECKSUMS];

/// What the program is called in documents.
const TOOL: &str = "diskwright";

const RESULT: &str = "result.json";
const SBOM: &str = "sbom.spdx.json";
const PROVENANCE: &str = "provenance.intoto.json";
const CHECKSUMS: &str = "SHA256SUMS";

/// The names of the documents in a directory of their own, in the order in which they are made; the block map, which
/// the pass over the disk makes, is not among them.
pub const DOCUMENTS: [&str; 4] = [RESULT, SBOM, PROVENANCE, CHECKSUMS];

/// The name of the file of `document`: that of [`DOCUMENTS`], or, beside a single file `prefix`, `PREFIX.DOCUMENT`.
#[must_use]
pub fn document_file_name(prefix: Option<&OsStr>, document: &str) -> OsString {
    match prefix {
        None => document.into(),
        Some(prefix) => beside(prefix, document),
    }
}

/// The name of the block map's file: `disk.raw.bmap`, or, beside a single file `prefix`, `PREFIX.bmap`. `bmaptool`
/// finds either by itself.
#[must_use]
pub fn block_map_file_name(prefix: Option<&OsStr>) -> OsString {
    beside(prefix.unwrap_or("disk.raw".as_ref()), "bmap")
}

fn beside(file: &OsStr, ending: &str) -> OsString {
    let mut name = file.to_owned();
    name.push(".");
    name.push(ending);
    name
}

/// The program that builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Its version.
    pub version: String,
    /// SHA-256 of its executable in hexadecimal digits, where it is known.
    pub digest: Option<String>,
}

/// What documents are made of.
pub(crate) struct BundleInputs<'a> {
    /// What was built.
    pub(crate) plan: &'a Plan,
    /// The files of the disk, each with its checksum.
    pub(crate) artefacts: &'a [Artefact],
    /// Names and SHA-256, in hexadecimal digits, of further files that the checksums cover: the block map.
    pub(crate) others: &'a [(OsString, String)],
    /// What [`Recipe::canonical`](crate::Recipe::canonical) gave.
    pub(crate) canonical_recipe: &'a str,
    /// The formats asked for.
    pub(crate) formats: &'a Formats,
    /// The date of all that was made, in seconds since 1970.
    pub(crate) created: i64,
    /// Who built.
    pub(crate) tool: &'a Tool,
    /// What is installed in the image; `None` where it has no package database.
    pub(crate) packages: Option<&'a PackageSet>,
    /// The distribution as package URLs have it: `ID-VERSION_ID` or `ID` of os-release.
    pub(crate) distro: Option<&'a str>,
    /// The single file that the documents lie beside and are called after.
    pub(crate) prefix: Option<&'a OsStr>,
}

/// A finished document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// Which of [`DOCUMENTS`] it is.
    pub(crate) name: &'static str,
    /// The name of its file.
    pub(crate) file_name: OsString,
    /// What is in it.
    pub(crate) bytes: Vec<u8>,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The pass did not compute a checksum.
    #[error("{} has no checksum, which its documents need", .path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
    },
    /// What the image says of itself has no form in a bill of materials.
    #[error("cannot write {SBOM}")]
    Sbom {
        /// Why.
        #[from]
        source: builder_spdx::SpdxError,
    },
}

/// All documents, in the order of [`DOCUMENTS`]; the last of them covers the others, the artefacts and the block map.
///
/// # Errors
/// [`BundleError`] for an artefact without a checksum, and for names of the image that no document can have.
pub(crate) fn documents(inputs: &BundleInputs<'_>) -> Result<Vec<Document>, BundleError> {
    let files = inputs.artefacts.iter().map(File::of).collect::<Result<Vec<_>, _>>()?;
    let document =
        |name: &'static str, bytes| Document { name, file_name: document_file_name(inputs.prefix, name), bytes };
    let mut documents = vec![
        document(RESULT, result::json(inputs, &files)),
        document(SBOM, sbom::json(inputs)?),
        document(PROVENANCE, provenance::json(inputs, &files)),
    ];
    let artefacts = files.iter().map(|file| (file.name, file.sha256.to_owned()));
    let others = inputs.others.iter().map(|(name, sha256)| (name.as_os_str(), sha256.clone()));
    let made = documents.iter().map(|document| (document.file_name.as_os_str(), sha256(&document.bytes)));
    let sums = checksums::text(artefacts.chain(others).chain(made).collect());
    documents.push(document(CHECKSUMS, sums));
    Ok(documents)
}

/// The checksums alone, where there is nothing else to tell.
///
/// # Errors
/// [`BundleError`] for an artefact without a checksum.
pub(crate) fn checksums_alone(
    artefacts: &[Artefact],
    others: &[(OsString, String)],
    prefix: Option<&OsStr>,
) -> Result<Vec<Document>, BundleError> {
    if artefacts.iter().all(|artefact| artefact.sha256.is_none()) {
        return Ok(Vec::new());
    }
    let files = artefacts.iter().map(File::of).collect::<Result<Vec<_>, _>>()?;
    let files = files.iter().map(|file| (file.name, file.sha256.to_owned()));
    let bytes =
        checksums::text(files.chain(others.iter().map(|(name, sum)| (name.as_os_str(), sum.clone()))).collect());
    Ok(vec![Document { name: CHECKSUMS, file_name: document_file_name(prefix, CHECKSUMS), bytes }])
}

/// An artefact as documents know it: without the directory that it is in.
struct File<'a> {
    artefact: &'a Artefact,
    name: &'a OsStr,
    sha256: &'a str,
}

impl<'a> File<'a> {
    fn of(artefact: &'a Artefact) -> Result<Self, BundleError> {
        let sha256 = artefact.sha256.as_deref();
        let sha256 = sha256.ok_or_else(|| BundleError::Checksum { path: artefact.path.clone() })?;
        // A path without a name is a directory, and no disk was written to one.
        Ok(Self { artefact, name: artefact.path.file_name().unwrap_or_default(), sha256 })
    }

    /// The name in JSON, which knows nothing but Unicode.
    fn text(&self) -> Cow<'a, str> {
        self.name.to_string_lossy()
    }
}

/// The formats asked for, as documents have them.
#[derive(Serialize)]
struct FormatsElement {
    types: Vec<&'static str>,
    compression: &'static str,
    level: Option<i32>,
    cluster_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    medium: Option<MediumOptions>,
}

impl FormatsElement {
    fn of(formats: &Formats) -> Self {
        Self {
            medium: formats.has_medium().then(|| formats.medium.clone()),
            types: formats.formats.iter().map(|format| format.name()).collect(),
            compression: match formats.compression {
                ClusterCompression::Zstd => "zstd",
                ClusterCompression::Zlib => "zlib",
                ClusterCompression::None => "none",
            },
            level: formats.level,
            cluster_size: formats.cluster_size.map(builder_block::ByteSize::bytes),
        }
    }
}

/// The request as JSON.
fn recipe(canonical: &str) -> serde_json::Value {
    // It was made by a serializer of JSON.
    serde_json::from_str(canonical).expect("the canonical recipe is JSON")
}

/// `document` as indented JSON with a line feed at its end.
fn pretty(document: &impl Serialize) -> Vec<u8> {
    // Structures of strings and numbers with strings for keys always serialise, and memory takes them.
    let mut bytes = serde_json::to_vec_pretty(document).expect("plain values serialise");
    bytes.push(b'\n');
    bytes
}

/// SHA-256 in hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// `urn:uuid:` of a UUID (version 8, RFC 9562) that changes with `bytes`, for `role`.
fn urn(role: &str, bytes: &[u8]) -> String {
    let digest = Sha256::new().chain_update(role).chain_update([0]).chain_update(bytes).finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Uuid::new_v8(id).urn().to_string()
}
