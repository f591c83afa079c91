//! `result.json` of a build, read to build again.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use builder_block::{ByteSize, SectorSize};
use builder_oci::{ImageSource, Platform, parse_rfc3339};
use serde::Deserialize;

use crate::formats::{Formats, OutputFormat};
use crate::layout::Layout;
use crate::lint::LintChoice;
use crate::medium::MediumOptions;
use crate::recipe::Recipe;
use crate::ssh_keys::AuthorizedKeys;

/// More than any record has.
const LIMIT: u64 = 64 << 20;

/// The schema that is known.
const SCHEMA: u64 = 1;

/// Which schema a record has.
#[derive(Deserialize)]
struct Version {
    schema: u64,
}

/// What a build recorded, as far as it is needed to build again.
#[derive(Clone, Debug, Deserialize)]
pub struct Record {
    tool: RecordedTool,
    created: String,
    platform: String,
    source: RecordedImage,
    rollback: Option<RecordedImage>,
    recipe: RecordedRecipe,
    formats: RecordedFormats,
    artefacts: Vec<RecordedArtefact>,
    #[serde(skip)]
    path: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
struct RecordedTool {
    version: String,
}

#[derive(Clone, Debug, Deserialize)]
struct RecordedImage {
    digest: String,
}

#[derive(Clone, Debug, Deserialize)]
struct RecordedRecipe {
    bootloader: String,
    disk_size: Option<u64>,
    karg_deletes: Vec<String>,
    kargs: Vec<String>,
    layout: String,
    root_size: Option<u64>,
    root_ssh_authorized_keys: Option<String>,
    sector_size: Option<u64>,
    selinux: Option<String>,
    stateroot: Option<String>,
    target_imgref: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct RecordedFormats {
    types: Vec<String>,
    compression: String,
    level: Option<i32>,
    cluster_size: Option<u64>,
    medium: Option<MediumOptions>,
}

/// A file that was made.
#[derive(Clone, Debug, Deserialize)]
pub struct RecordedArtefact {
    /// Its name, without a directory.
    pub name: String,
    /// Its format.
    #[serde(deserialize_with = "format")]
    pub format: OutputFormat,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

fn format<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<OutputFormat, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// Why there is nothing to compare with.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is no record beside the file.
    #[error("there is no record of {} beside it: neither {} nor {}", .path.display(), .own.display(), .common.display())]
    Absent {
        /// The file.
        path: PathBuf,
        /// The record of this file alone.
        own: PathBuf,
        /// The record of a directory.
        common: PathBuf,
    },
    /// The record is not one.
    #[error("{} is not the record of a build", .path.display())]
    Syntax {
        /// The record.
        path: PathBuf,
        /// Why, with the line.
        #[source]
        source: serde_json::Error,
    },
    /// A value in it makes no sense.
    #[error("{}: {field} is `{value}`", .path.display())]
    Value {
        /// The record.
        path: PathBuf,
        /// The field.
        field: &'static str,
        /// What it says.
        value: String,
    },
    /// The record is of other files.
    #[error("{} does not tell of {name}, but of {known}", .path.display())]
    Unknown {
        /// The record.
        path: PathBuf,
        /// The file asked for.
        name: String,
        /// The files that it tells of.
        known: String,
    },
    /// The image given is not the one that the disk was made of.
    #[error("{} was made of the {role} {recorded}, but the one given is {given}", .path.display())]
    Image {
        /// The record.
        path: PathBuf,
        /// Which image.
        role: &'static str,
        /// Its digest, or `none`.
        recorded: String,
        /// The digest of the one given, or `none`.
        given: String,
    },
}

impl RecordError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => None,
            Self::Absent { .. } => Some("give the result.json of the build with --result FILE".to_owned()),
            Self::Syntax { .. } | Self::Value { .. } => {
                Some("give the result.json that this version of diskwright wrote, as it was written".to_owned())
            }
            Self::Unknown { .. } => Some("give the file by the name that it was built with".to_owned()),
            Self::Image { role: "image to roll back to", .. } => Some("give that image with --rollback".to_owned()),
            Self::Image { .. } => Some("give that image with --source".to_owned()),
        }
    }
}

impl Record {
    /// The record beside `artefact`, or the one in `file`.
    ///
    /// # Errors
    /// [`RecordError`]: it is absent, cannot be read, or is not one.
    pub fn read(artefact: &Path, file: Option<&Path>) -> Result<Self, RecordError> {
        let path = match file {
            Some(file) => file.to_owned(),
            None => beside(artefact)?,
        };
        let failed = |source| RecordError::Read { path: path.clone(), source };
        let mut bytes = Vec::new();
        File::open(&path).map_err(failed)?.take(LIMIT).read_to_end(&mut bytes).map_err(failed)?;
        let syntax = |source| RecordError::Syntax { path: path.clone(), source };
        // Asked for first: what another schema has is for others to read.
        let Version { schema } = serde_json::from_slice(&bytes).map_err(syntax)?;
        if schema != SCHEMA {
            return Err(RecordError::Value { path, field: "schema", value: schema.to_string() });
        }
        let record: Self = serde_json::from_slice(&bytes).map_err(syntax)?;
        Ok(Self { path, ..record })
    }

    /// The version of the program that built.
    #[must_use]
    pub fn tool_version(&self) -> &str {
        &self.tool.version
    }

    /// Digest of the manifest of the image.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.source.digest
    }

    /// What is recorded of the file `artefact`: by its name, or the only one there is.
    ///
    /// # Errors
    /// [`RecordError::Unknown`].
    pub fn artefact(&self, artefact: &Path) -> Result<&RecordedArtefact, RecordError> {
        let name = artefact.file_name().unwrap_or_default().to_string_lossy();
        match (self.artefacts.iter().find(|known| known.name == name), self.artefacts.as_slice()) {
            (Some(known), _) | (None, [known]) => Ok(known),
            _ => Err(RecordError::Unknown {
                path: self.path.clone(),
                name: name.into_owned(),
                known: self.artefacts.iter().map(|known| known.name.as_str()).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// The request that was recorded, for the images given.
    ///
    /// # Errors
    /// [`RecordError::Value`] for a record that was changed.
    pub fn recipe(
        &self,
        source: ImageSource,
        rollback: Option<ImageSource>,
        scratch: PathBuf,
        threads: usize,
    ) -> Result<Recipe, RecordError> {
        let recorded = &self.recipe;
        let formats = self.formats.types.iter().map(|name| name.parse());
        let formats = Formats {
            formats: formats
                .collect::<Result<_, _>>()
                .map_err(|_| self.value("formats", &self.formats.types.join(" ")))?,
            compression: self.parse("compression", &self.formats.compression)?,
            level: self.formats.level,
            cluster_size: self.formats.cluster_size.map(ByteSize::new),
            medium: self.formats.medium.clone().unwrap_or_default(),
        };
        let layout = Layout::parse("the recorded layout", &recorded.layout)
            .map_err(|error| self.value("layout", &error.to_string()))?;
        let keys = recorded.root_ssh_authorized_keys.as_ref().map(|text| {
            AuthorizedKeys::parse(text.as_bytes()).map_err(|_| self.value("root_ssh_authorized_keys", text))
        });
        let sector_size = recorded
            .sector_size
            .map(|bytes| SectorSize::of(bytes).ok_or_else(|| self.value("sector_size", &bytes.to_string())))
            .transpose()?;
        Ok(Recipe {
            source,
            rollback,
            platform: self.parse::<Platform>("platform", &self.platform)?,
            layout: Some(layout),
            kargs: recorded.kargs.clone(),
            karg_deletes: recorded.karg_deletes.clone(),
            root_size: recorded.root_size.map(ByteSize::new),
            disk_size: recorded.disk_size.map(ByteSize::new),
            sector_size,
            target_imgref: recorded.target_imgref.clone(),
            stateroot: recorded.stateroot.clone(),
            root_ssh_authorized_keys: keys.transpose()?,
            selinux: recorded.selinux.as_ref().map_or(Ok(Default::default()), |text| self.parse("selinux", text))?,
            lint: LintChoice::Done,
            bootloader: self.parse("bootloader", &recorded.bootloader)?,
            formats,
            bundle: None,
            source_date_epoch: Some(parse_rfc3339(&self.created).ok_or_else(|| self.value("created", &self.created))?),
            scratch,
            threads,
        })
    }

    /// Refuses images that the disk was not made of.
    ///
    /// # Errors
    /// [`RecordError::Image`].
    pub fn require_images(&self, image: &str, rollback: Option<&str>) -> Result<(), RecordError> {
        let recorded = self.rollback.as_ref().map(|image| image.digest.as_str());
        for (role, recorded, given) in
            [("image", Some(self.source.digest.as_str()), Some(image)), ("image to roll back to", recorded, rollback)]
        {
            if recorded != given {
                let text = |digest: Option<&str>| digest.unwrap_or("none").to_owned();
                let (recorded, given) = (text(recorded), text(given));
                return Err(RecordError::Image { path: self.path.clone(), role, recorded, given });
            }
        }
        Ok(())
    }

    fn parse<T: std::str::FromStr>(&self, field: &'static str, text: &str) -> Result<T, RecordError> {
        text.parse().map_err(|_| self.value(field, text))
    }

    fn value(&self, field: &'static str, value: &str) -> RecordError {
        RecordError::Value { path: self.path.clone(), field, value: value.to_owned() }
    }
}

/// The record beside a file: its own, or that of the directory.
fn beside(artefact: &Path) -> Result<PathBuf, RecordError> {
    let own = crate::bundle::document_file_name(Some(artefact.file_name().unwrap_or_default()), "result.json");
    let own = artefact.with_file_name(own);
    let common = artefact.with_file_name("result.json");
    if own.is_file() {
        return Ok(own);
    }
    if common.is_file() {
        return Ok(common);
    }
    Err(RecordError::Absent { path: artefact.to_owned(), own, common })
}
