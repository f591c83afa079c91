//! The document and its JSON.

use serde::Serialize;

use crate::identifier::Identifiers;
use crate::license::{Licenses, NO_ASSERTION};
use crate::text::{is_page, is_uri, one_line};
use crate::{SpdxError, created};

/// The document itself.
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

/// What a document says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is called; not empty.
    pub name: String,
    /// An absolute URI without a fragment, which no other document has: it must change with the document.
    pub namespace: String,
    /// When it was made, in seconds since 1970 UTC: 0 to the end of the year 9999.
    pub created: i64,
    /// The program that made it: `NAME-VERSION`.
    pub tool: String,
    /// What it describes.
    pub image: Image,
    /// What is in the image, in this order.
    pub packages: Vec<Package>,
}

/// The image that a document describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// What it is called; not empty.
    pub name: String,
    /// Its version, where it has one.
    pub version: Option<String>,
    /// Its digest: `sha256:` and 64, or `sha512:` and 128, hexadecimal digits in lower case.
    pub digest: String,
    /// Its package URL.
    pub purl: Option<String>,
}

/// A package in the image. All texts but the name may be what a stranger wrote: what a field cannot have is left out
/// or put on one line.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Package {
    /// Its name; not empty.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// Who it came from.
    pub supplier: Option<Supplier>,
    /// The licence as the package manager records it.
    pub license: Option<String>,
    /// Its project's page; taken where it is an address of `http`, `https` or `ftp`.
    pub homepage: Option<String>,
    /// Where it came from, in words: `built from SOURCE`.
    pub source_info: Option<String>,
    /// Its package URL.
    pub purl: Option<String>,
}

/// Who a package came from: a name, or `NAME <ADDRESS>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supplier {
    /// An organization, a project or a team.
    Organization(String),
    /// A person.
    Person(String),
}

impl Supplier {
    /// `Organization: NAME (ADDRESS)` (SPDX 2.3, 7.5).
    fn text(&self) -> Option<String> {
        let (kind, who) = match self {
            Self::Organization(who) => ("Organization", who),
            Self::Person(who) => ("Person", who),
        };
        let who = one_line(who);
        let address = who.strip_suffix('>').and_then(|who| who.rsplit_once('<'));
        match address.map(|(name, address)| (name.trim_end(), address)) {
            Some(("", "")) => None,
            Some(("", address)) => Some(format!("{kind}: {address}")),
            Some((name, "")) => Some(format!("{kind}: {name}")),
            Some((name, address)) => Some(format!("{kind}: {name} ({address})")),
            None => (!who.is_empty()).then(|| format!("{kind}: {who}")),
        }
    }
}

impl Document {
    /// The document as JSON, indented by two blanks and with a line feed at its end.
    ///
    /// # Errors
    /// [`SpdxError`] for a name that is empty, and for a time, namespace or digest that has no form in a document.
    pub fn to_json(&self) -> Result<String, SpdxError> {
        if !is_uri(&self.namespace) || self.namespace.contains('#') {
            return Err(SpdxError::Namespace { namespace: self.namespace.clone() });
        }
        let mut identifiers = Identifiers::default();
        let mut licenses = Licenses::default();
        let image = self.image.element()?;
        let root = image.id.clone();
        let mut relationships = vec![Relationship::new(DOCUMENT, "DESCRIBES", &root)];
        let mut packages = vec![image];
        for package in &self.packages {
            let element = package.element(&mut identifiers, &mut licenses)?;
            relationships.push(Relationship::new(&root, "CONTAINS", &element.id));
            packages.push(element);
        }
        let mut version = spdx::license_version().splitn(3, '.');
        let license_list = [version.next(), version.next()].into_iter().flatten().collect::<Vec<_>>().join(".");
        let file = File {
            version: "SPDX-2.3",
            data_license: "CC0-1.0",
            id: DOCUMENT,
            name: named(&self.name, "the name of the document")?,
            namespace: &self.namespace,
            creation: Creation {
                created: created::format(self.created)?,
                creators: [format!("Tool: {}", named(&self.tool, "the name of the tool")?)],
                license_list,
            },
            packages,
            relationships,
            extracted: licenses.into_extracted().into_iter().map(Extracted::new).collect(),
        };
        // Every key is a string and no field has a type of its own that could fail.
        let mut json = serde_json::to_string_pretty(&file).expect("strings, lists and booleans become JSON");
        json.push('\n');
        Ok(json)
    }
}

impl Image {
    fn element(&self) -> Result<Element, SpdxError> {
        let (algorithm, hex) = [("sha256:", "SHA256", 64), ("sha512:", "SHA512", 128)]
            .into_iter()
            .find_map(|(prefix, algorithm, digits)| {
                let hex = self.digest.strip_prefix(prefix).filter(|hex| hex.len() == digits)?;
                let valid = hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                valid.then_some((algorithm, hex))
            })
            .ok_or_else(|| SpdxError::Digest { digest: self.digest.clone() })?;
        let name = named(&self.name, "the name of the image")?;
        let mut element = Element::new("SPDXRef-Image".to_owned(), name);
        element.version = line(self.version.as_deref());
        element.purpose = Some("CONTAINER");
        element.checksums.push(Checksum { algorithm, value: hex.to_owned() });
        element.references.extend(self.purl.as_deref().and_then(Reference::purl));
        Ok(element)
    }
}

impl Package {
    fn element(&self, identifiers: &mut Identifiers, licenses: &mut Licenses) -> Result<Element, SpdxError> {
        let name = named(&self.name, "the name of a package")?;
        let version = line(self.version.as_deref());
        let readable = format!("{name}-{}", version.as_deref().unwrap_or_default());
        let mut element = Element::new(identifiers.make("SPDXRef-Package-", readable.trim_end_matches('-')), name);
        element.version = version;
        element.supplier = self.supplier.as_ref().and_then(Supplier::text).unwrap_or(NO_ASSERTION.to_owned());
        element.license_declared = licenses.declare(self.license.as_deref());
        element.homepage = self.homepage.clone().filter(|page| is_page(page));
        element.source_info = line(self.source_info.as_deref());
        element.references.extend(self.purl.as_deref().and_then(Reference::purl));
        Ok(element)
    }
}

/// `text` on one line, which must not be empty.
fn named(text: &str, what: &'static str) -> Result<String, SpdxError> {
    line(Some(text)).ok_or(SpdxError::Empty { what })
}

/// `text` on one line, where there is any.
fn line(text: Option<&str>) -> Option<String> {
    text.map(one_line).filter(|text| !text.is_empty())
}

/// The JSON of a document; the fields in the order in which they are written.
#[derive(Serialize)]
struct File<'a> {
    #[serde(rename = "spdxVersion")]
    version: &'static str,
    #[serde(rename = "dataLicense")]
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    #[serde(rename = "documentNamespace")]
    namespace: &'a str,
    #[serde(rename = "creationInfo")]
    creation: Creation,
    packages: Vec<Element>,
    relationships: Vec<Relationship>,
    #[serde(rename = "hasExtractedLicensingInfos", skip_serializing_if = "Vec::is_empty")]
    extracted: Vec<Extracted>,
}

#[derive(Serialize)]
struct Creation {
    created: String,
    creators: [String; 1],
    #[serde(rename = "licenseListVersion")]
    license_list: String,
}

/// Of a package of the document, which the image is too.
#[derive(Serialize)]
struct Element {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(rename = "versionInfo", skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(rename = "primaryPackagePurpose", skip_serializing_if = "Option::is_none")]
    purpose: Option<&'static str>,
    supplier: String,
    #[serde(rename = "downloadLocation")]
    download_location: &'static str,
    /// No file of a package is described, so no digest over them is needed either.
    #[serde(rename = "filesAnalyzed")]
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    homepage: Option<String>,
    #[serde(rename = "sourceInfo", skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    #[serde(rename = "licenseConcluded")]
    license_concluded: &'static str,
    #[serde(rename = "licenseDeclared")]
    license_declared: String,
    #[serde(rename = "copyrightText")]
    copyright: &'static str,
    #[serde(rename = "externalRefs", skip_serializing_if = "Vec::is_empty")]
    references: Vec<Reference>,
}

impl Element {
    /// An element of which nothing but the name is said.
    fn new(id: String, name: String) -> Self {
        Self {
            id,
            name,
            version: None,
            purpose: None,
            supplier: NO_ASSERTION.to_owned(),
            download_location: NO_ASSERTION,
            files_analyzed: false,
            checksums: Vec::new(),
            homepage: None,
            source_info: None,
            license_concluded: NO_ASSERTION,
            license_declared: NO_ASSERTION.to_owned(),
            copyright: NO_ASSERTION,
            references: Vec::new(),
        }
    }
}

#[derive(Serialize)]
struct Checksum {
    algorithm: &'static str,
    #[serde(rename = "checksumValue")]
    value: String,
}

#[derive(Serialize)]
struct Reference {
    #[serde(rename = "referenceCategory")]
    category: &'static str,
    #[serde(rename = "referenceType")]
    kind: &'static str,
    #[serde(rename = "referenceLocator")]
    locator: String,
}

impl Reference {
    /// A package URL, where it is one: a locator has no blanks.
    fn purl(purl: &str) -> Option<Self> {
        let is_purl = purl.starts_with("pkg:") && is_uri(purl);
        is_purl.then(|| Self { category: "PACKAGE-MANAGER", kind: "purl", locator: purl.to_owned() })
    }
}

#[derive(Serialize)]
struct Relationship {
    #[serde(rename = "spdxElementId")]
    from: String,
    #[serde(rename = "relationshipType")]
    kind: &'static str,
    #[serde(rename = "relatedSpdxElement")]
    to: String,
}

impl Relationship {
    fn new(from: &str, kind: &'static str, to: &str) -> Self {
        Self { from: from.to_owned(), kind, to: to.to_owned() }
    }
}

/// A licence that is not on the list.
#[derive(Serialize)]
struct Extracted {
    #[serde(rename = "licenseId")]
    id: String,
    #[serde(rename = "extractedText")]
    text: String,
    name: &'static str,
    comment: &'static str,
}

impl Extracted {
    fn new((id, text): (String, String)) -> Self {
        let comment = "What the package manager records of the licence; its text was not looked for.";
        Self { id, text, name: NO_ASSERTION, comment }
    }
}
