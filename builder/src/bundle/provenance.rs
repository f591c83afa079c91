//! `provenance.intoto.json`: which inputs made which files, as a statement that can be signed.
//!
//! Sources: in-toto Attestation Framework, "Statement" v1, "ResourceDescriptor" v1; SLSA, "Provenance" v1.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{BundleInputs, File, FormatsElement, TOOL, pretty, recipe, urn};

/// What the parameters below mean. It changes where one goes or means something else.
const BUILD_TYPE: &str = "urn:diskwright:build:1";

/// Who builds: the program, on whatever machine, so nobody that could be trusted more than the one who signs.
const BUILDER: &str = "urn:diskwright:builder:1";

#[derive(Serialize)]
struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<Resource>,
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: Predicate<'a>,
}

/// A file or an image.
#[derive(Serialize)]
struct Resource {
    name: String,
    digest: BTreeMap<String, String>,
}

impl Resource {
    fn new(name: &str, algorithm: &str, digits: &str) -> Self {
        Self { name: name.to_owned(), digest: BTreeMap::from([(algorithm.to_owned(), digits.to_owned())]) }
    }

    /// The image `name` with the digest `ALGORITHM:DIGITS`.
    fn image(name: &str, digest: &str) -> Self {
        let (algorithm, digits) = digest.split_once(':').unwrap_or(("sha256", digest));
        Self::new(name, algorithm, digits)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate<'a> {
    build_definition: BuildDefinition,
    run_details: RunDetails<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition {
    build_type: &'static str,
    external_parameters: Parameters,
    resolved_dependencies: Vec<Resource>,
}

/// All that decides the bytes, beside the images.
#[derive(Serialize)]
struct Parameters {
    recipe: Value,
    formats: FormatsElement,
    platform: String,
    created: String,
}

#[derive(Serialize)]
struct RunDetails<'a> {
    builder: Builder<'a>,
    metadata: Metadata,
}

#[derive(Serialize)]
struct Builder<'a> {
    id: &'static str,
    version: BTreeMap<&'static str, &'a str>,
}

/// When the build began and ended is left out: the same build would have another document each time.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    invocation_id: String,
}

/// The bytes of the document.
pub(super) fn json(inputs: &BundleInputs<'_>, files: &[File<'_>]) -> Vec<u8> {
    let plan = inputs.plan;
    let mut resolved_dependencies = vec![Resource::image("image", &plan.image.digest)];
    resolved_dependencies
        .extend(plan.rollback.as_ref().map(|rollback| Resource::image("rollback", &rollback.image.digest)));
    resolved_dependencies.extend(inputs.tool.digest.as_ref().map(|digits| Resource::new(TOOL, "sha256", digits)));
    let build_definition = BuildDefinition {
        build_type: BUILD_TYPE,
        external_parameters: Parameters {
            recipe: recipe(inputs.canonical_recipe),
            formats: FormatsElement::of(inputs.formats),
            platform: plan.image.platform.clone(),
            created: builder_oci::format_rfc3339(inputs.created),
        },
        resolved_dependencies,
    };
    // One invocation is what has the same inputs: another run of it gives the same files.
    let mut invocation = pretty(&build_definition);
    invocation.extend_from_slice(inputs.tool.version.as_bytes());
    pretty(&Statement {
        kind: "https://in-toto.io/Statement/v1",
        subject: files.iter().map(|file| Resource::new(&file.text(), "sha256", file.sha256)).collect(),
        predicate_type: "https://slsa.dev/provenance/v1",
        predicate: Predicate {
            build_definition,
            run_details: RunDetails {
                builder: Builder { id: BUILDER, version: BTreeMap::from([(TOOL, inputs.tool.version.as_str())]) },
                metadata: Metadata { invocation_id: urn("invocation", &invocation) },
            },
        },
    })
}
