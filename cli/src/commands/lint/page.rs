//! What was found in an image, as a page.

use builder::lint::{LayerSize, Report, Severity, Share};
use builder_block::ByteSize;
use maud::html;

use crate::page::treemap::{Tile, treemap};
use crate::page::{Page, Section, Tone, findings};

pub(crate) fn page(report: &Report) -> Page {
    let counts = report.counts;
    let tone = match (counts.fatal, counts.warning) {
        (0, 0) => Tone::Good,
        (0, _) => Tone::Warning,
        _ => Tone::Bad,
    };
    let told = Severity::ALL.map(|severity| format!("{} {severity}", counts.of(severity)));
    let notes = html! { @for note in &report.notes { p.reason { "Note: " (note) } } };
    Page {
        command: "lint",
        subject: report.source.clone(),
        tone,
        verdict: format!("{} checks: {}", counts.checks, told.join(", ")),
        facts: vec![
            ("digest", report.digest.clone()),
            ("platform", report.platform.clone()),
            ("files", ByteSize::new(report.space.bytes).to_string()),
            ("layers", report.layers.last().map_or(0, |layer| layer.total).to_string()),
        ],
        sections: vec![
            Section::new("Findings", html! { (findings::of_image(report)) (notes) }),
            Section::new("What takes the space, by directory", treemap(directories(&report.space.directories))),
            Section::new("By package, as their packagers recorded it", treemap(packages(&report.space.packages))),
            Section::new("By layer, and what later layers hide of it", treemap(layers(&report.layers))),
        ],
    }
}

/// Directories of one colour are in the same one of `/`, `/usr` or `/usr/lib`.
fn directories(shares: &[Share]) -> Vec<Tile> {
    let group = |name: &str| {
        let names = if name.starts_with("/usr/lib/") {
            4
        } else if name.starts_with("/usr/") {
            3
        } else {
            2
        };
        name.split('/').take(names).collect::<Vec<_>>().join("/")
    };
    let tile =
        |share: &Share| Tile { group: group(&share.name), name: share.name.clone(), bytes: share.bytes, waste: false };
    shares.iter().map(tile).collect()
}

fn packages(shares: &[Share]) -> Vec<Tile> {
    let tile =
        |share: &Share| Tile { name: share.name.clone(), bytes: share.bytes, group: share.name.clone(), waste: false };
    shares.iter().map(tile).collect()
}

fn layers(layers: &[LayerSize]) -> Vec<Tile> {
    let tiles = |layer: &LayerSize| {
        let name = layer.to_string();
        let seen = Tile {
            name: name.clone(),
            bytes: layer.bytes.saturating_sub(layer.hidden_bytes),
            group: name.clone(),
            waste: false,
        };
        [seen, Tile { name: format!("{name}, hidden"), bytes: layer.hidden_bytes, group: name, waste: true }]
    };
    layers.iter().flat_map(tiles).collect()
}
