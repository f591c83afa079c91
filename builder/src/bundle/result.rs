//! `result.json`: what was built, in a shape that does not change. `templates/result.schema.json` describes it.

use serde::Serialize;
use serde_json::Value;

use super::{BundleInputs, File, FormatsElement, SBOM, TOOL, pretty, recipe};
use crate::plan::{PlannedDeployment, PlannedDisk, PlannedEntry, PlannedImage};

/// Version of the shape. It changes where something goes or means something else.
const SCHEMA: u32 = 1;

/// The document; every field is there, whatever was built.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    tool: Tool<'a>,
    created: String,
    platform: &'a str,
    source: Source<'a>,
    rollback: Option<Source<'a>>,
    recipe: Value,
    formats: FormatsElement,
    artefacts: Vec<Artefact<'a>>,
    disk: &'a PlannedDisk,
    /// The default first.
    deployments: Vec<&'a PlannedDeployment>,
    boot: Boot<'a>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'static str,
    version: &'a str,
}

/// An image, without the place on the host that it was read from.
#[derive(Serialize)]
struct Source<'a> {
    digest: &'a str,
    platform: &'a str,
    name: &'a str,
    layers: usize,
}

impl<'a> Source<'a> {
    fn of(image: &'a PlannedImage) -> Self {
        let PlannedImage { source: _, digest, platform, layers, name } = image;
        Self { digest, platform, name, layers: *layers }
    }
}

#[derive(Serialize)]
struct Artefact<'a> {
    name: String,
    format: &'static str,
    size: u64,
    sha256: &'a str,
    virtual_size: u64,
}

#[derive(Serialize)]
struct Boot<'a> {
    loader: &'a str,
    esp: &'a [String],
    /// The default first.
    entries: Vec<&'a PlannedEntry>,
}

/// The bytes of the document.
pub(super) fn json(inputs: &BundleInputs<'_>, files: &[File<'_>]) -> Vec<u8> {
    let plan = inputs.plan;
    let rollback = plan.rollback.as_ref();
    let mut notes = plan.notes.clone();
    if inputs.packages.is_none() {
        notes.push(format!("the image has no package database that is known, so {SBOM} names the image alone"));
    }
    pretty(&Document {
        schema: SCHEMA,
        tool: Tool { name: TOOL, version: &inputs.tool.version },
        created: builder_oci::format_rfc3339(inputs.created),
        platform: &plan.image.platform,
        source: Source::of(&plan.image),
        rollback: rollback.map(|rollback| Source::of(&rollback.image)),
        recipe: recipe(inputs.canonical_recipe),
        formats: FormatsElement::of(inputs.formats),
        artefacts: files
            .iter()
            .map(|file| Artefact {
                name: file.text().into_owned(),
                format: file.artefact.format,
                size: file.artefact.size,
                sha256: file.sha256,
                virtual_size: file.artefact.virtual_size,
            })
            .collect(),
        disk: &plan.disk,
        deployments: std::iter::once(&plan.deployment).chain(rollback.map(|rollback| &rollback.deployment)).collect(),
        boot: Boot {
            loader: &plan.boot.loader,
            esp: &plan.boot.esp,
            entries: std::iter::once(&plan.boot.entry).chain(rollback.map(|rollback| &rollback.entry)).collect(),
        },
        notes,
    })
}
