//! The tables for people.

use std::fmt::{self, Write as _};

use builder_block::ByteSize;
use builder_tree::DisplayPath;

use crate::diff::Difference;
use crate::diff::boot::{ArgumentChanges, BootChanges};
use crate::diff::cost::{Cost, LayersCost, ObjectsCost};
use crate::diff::fields::{FieldChange, PartitionChange};
use crate::diff::files::{FileChange, FileChanges, Tally};
use crate::diff::inventory::SideFacts;
use crate::diff::packages::PackageChanges;

/// Lines of a list that is cut.
const LINES: usize = 10;
/// Aspects of a changed file, in the order of the table.
const ASPECTS: [&str; 7] = ["content", "mode", "owner", "target", "xattr", "type", "device"];

/// How much of the lists is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Of files, layers and directories the ten largest; of all else everything.
    Largest,
    /// Everything, in its order.
    All,
}

impl Difference {
    /// The tables.
    #[must_use]
    pub fn text(&self, listing: Listing) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut out, listing);
        out
    }

    fn write(&self, out: &mut String, listing: Listing) -> fmt::Result {
        side(out, "A", &self.a)?;
        side(out, "B", &self.b)?;
        if let Some(disk) = &self.disk {
            fields(out, "Disk", disk)?;
        }
        if let Some(partitions) = &self.partitions {
            partition_table(out, partitions)?;
        }
        boot(out, &self.boot)?;
        if let Some(packages) = &self.packages {
            package_table(out, packages)?;
        }
        fields(out, "os-release", &self.os_release)?;
        files(out, "Files", &self.files, listing)?;
        if let Some(esp) = &self.esp {
            files(out, "ESP", esp, listing)?;
        }
        if let Some(cost) = &self.cost {
            update(out, cost, listing)?;
        }
        for note in &self.notes {
            writeln!(out, "Note         {}", plain(note))?;
        }
        Ok(())
    }
}

/// Text that stays on its line, and leaves a terminal as it is.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    safe
}

fn side(out: &mut String, name: &str, facts: &SideFacts) -> fmt::Result {
    writeln!(out, "{name:<13}{}", plain(&facts.source))?;
    writeln!(
        out,
        "  system     {}",
        facts.name.as_deref().map_or_else(|| "unknown: it has no os-release".into(), plain)
    )?;
    match (&facts.platform, facts.size) {
        (Some(platform), _) => {
            writeln!(out, "  image      {platform}, {}", facts.digest.as_deref().unwrap_or_default())?
        }
        (None, size) => writeln!(out, "  disk       {}, {}", facts.kind, ByteSize::new(size.unwrap_or_default()))?,
    }
    if let Some(deployment) = &facts.deployment {
        writeln!(out, "  deployed   /{}", plain(deployment))?;
    }
    writeln!(out, "  contents   {} entries, {}", facts.entries, ByteSize::new(facts.bytes))
}

fn fields(out: &mut String, title: &str, changes: &[FieldChange]) -> fmt::Result {
    if changes.is_empty() {
        return writeln!(out, "{title:<13}no difference");
    }
    writeln!(out, "{title:<13}{} changed", changes.len())?;
    changes.iter().try_for_each(|change| writeln!(out, "  {}", field(change)))
}

fn field(change: &FieldChange) -> String {
    let shown = |value: &String| match change.field.as_str() {
        "size" | "offset" => {
            value.parse().map_or_else(|_| plain(value), |bytes| format!("{} ({bytes} bytes)", ByteSize::new(bytes)))
        }
        _ => plain(value),
    };
    let name = plain(&change.field);
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("~ {name} {} -> {}", shown(before), shown(after)),
        (Some(before), None) => format!("- {name} {}", shown(before)),
        (None, after) => format!("+ {name} {}", after.as_ref().map(shown).unwrap_or_default()),
    }
}

fn partition_table(out: &mut String, changes: &[PartitionChange]) -> fmt::Result {
    if changes.is_empty() {
        return writeln!(out, "Partitions   no difference");
    }
    writeln!(out, "Partitions   {} changed", changes.len())?;
    for change in changes {
        match (&change.before, &change.after) {
            (Some(before), Some(_)) => {
                writeln!(out, "  ~ {:>2} {}", change.number, plain(&before.name))?;
                change.changed.iter().try_for_each(|change| writeln!(out, "       {}", field(change)))?;
            }
            (before, after) => {
                let sign = if before.is_some() { '-' } else { '+' };
                for one in before.iter().chain(after) {
                    let (name, size) = (plain(&one.name), ByteSize::new(one.size));
                    writeln!(
                        out,
                        "  {sign} {:>2} {name}, {size}, type {}, guid {}",
                        one.number, one.type_guid, one.guid
                    )?;
                }
            }
        }
    }
    Ok(())
}

fn arguments(out: &mut String, indent: &str, changes: &ArgumentChanges) -> fmt::Result {
    changes.removed.iter().try_for_each(|argument| writeln!(out, "{indent}- argument {}", plain(argument)))?;
    changes.added.iter().try_for_each(|argument| writeln!(out, "{indent}+ argument {}", plain(argument)))?;
    if changes.reordered { writeln!(out, "{indent}~ the arguments stand in another order") } else { Ok(()) }
}

fn boot(out: &mut String, changes: &BootChanges) -> fmt::Result {
    if changes.is_empty() {
        return writeln!(out, "Boot         no difference");
    }
    writeln!(out, "Boot")?;
    changes.kernels_removed.iter().try_for_each(|kernel| writeln!(out, "  - kernel {}", plain(kernel)))?;
    changes.kernels_added.iter().try_for_each(|kernel| writeln!(out, "  + kernel {}", plain(kernel)))?;
    match &changes.entries {
        // The default's own arguments are among those of the entries.
        None => arguments(out, "  ", &changes.arguments)?,
        Some(entries) => {
            for entry in entries {
                let file = format!("{}/{}", entry.place, plain(&entry.file));
                match (&entry.before, &entry.after) {
                    (Some(title), None) => writeln!(out, "  - entry {file} \"{}\"", plain(title))?,
                    (None, title) => {
                        writeln!(out, "  + entry {file} \"{}\"", title.as_deref().map(plain).unwrap_or_default())?
                    }
                    (Some(_), Some(_)) => {
                        writeln!(out, "  ~ entry {file}")?;
                        entry.fields.iter().try_for_each(|change| writeln!(out, "      {}", field(change)))?;
                        arguments(out, "      ", &entry.arguments)?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn package_table(out: &mut String, changes: &PackageChanges) -> fmt::Result {
    let PackageChanges { before, after, added, removed, changed } = changes;
    if changes.is_empty() {
        return writeln!(out, "Packages     no difference in {after}");
    }
    writeln!(
        out,
        "Packages     {before} -> {after}: {} added, {} removed, {} changed",
        added.len(),
        removed.len(),
        changed.len()
    )?;
    let name = |name: &str, architecture: Option<&str>| match architecture {
        Some(architecture) => plain(&format!("{name}:{architecture}")),
        None => plain(name),
    };
    for (sign, list) in [('+', added), ('-', removed)] {
        for package in list {
            let version = plain(&package.version);
            writeln!(out, "  {sign} {} {version}", name(&package.name, package.architecture.as_deref()))?;
        }
    }
    for package in changed {
        let (before, after) = (plain(&package.before), plain(&package.after));
        writeln!(out, "  ~ {} {before} -> {after}", name(&package.name, package.architecture.as_deref()))?;
    }
    Ok(())
}

fn files(out: &mut String, title: &str, changes: &FileChanges, listing: Listing) -> fmt::Result {
    if changes.is_empty() {
        return writeln!(out, "{title:<13}no difference");
    }
    let tally = |name: &str| changes.tallies.get(name).copied();
    writeln!(out, "{title:<13}{:>8}{:>12}", "number", "bytes")?;
    let mut line =
        |name: &str, tally: Tally| writeln!(out, "  {name:<11}{:>8}{:>12}", tally.files, ByteSize::new(tally.bytes));
    for name in ["added", "removed", "changed"] {
        line(name, tally(name).unwrap_or_default())?;
    }
    for name in ASPECTS {
        if let Some(tally) = tally(name) {
            line(&format!("  {name}"), tally)?;
        }
    }
    let added: Vec<_> =
        changes.added.iter().map(|entry| (entry.bytes, format!("+ {}", alone(&entry.path, entry.kind)))).collect();
    let removed: Vec<_> =
        changes.removed.iter().map(|entry| (entry.bytes, format!("- {}", alone(&entry.path, entry.kind)))).collect();
    let changed: Vec<_> = changes.changed.iter().map(|entry| (entry.bytes_after, changed(entry))).collect();
    for (what, list) in [("added", added), ("removed", removed), ("changed", changed)] {
        largest(out, what, list, listing)?;
    }
    Ok(())
}

fn alone(path: &[u8], kind: &str) -> String {
    match kind {
        "regular file" => DisplayPath(path).to_string(),
        "directory" => format!("{}/", DisplayPath(path)),
        kind => format!("{} ({kind})", DisplayPath(path)),
    }
}

fn changed(change: &FileChange) -> String {
    let aspects: Vec<String> = change
        .aspects
        .iter()
        .map(|aspect| match aspect.what.as_str() {
            "content" if change.bytes_before == change.bytes_after => "content".to_owned(),
            "content" => {
                let (before, after) = (ByteSize::new(change.bytes_before), ByteSize::new(change.bytes_after));
                if before.to_string() == after.to_string() {
                    format!("content {} -> {} bytes", change.bytes_before, change.bytes_after)
                } else {
                    format!("content {before} -> {after}")
                }
            }
            what if what.starts_with("xattr ") => what.to_owned(),
            what => format!("{what} {} -> {}", aspect.before, aspect.after),
        })
        .collect();
    plain(&format!("~ {}: {}", DisplayPath(&change.path), aspects.join(", ")))
}

/// The lines with the largest numbers, or all of them as they come; nothing of an empty list.
fn largest(out: &mut String, what: &str, mut list: Vec<(u64, String)>, listing: Listing) -> fmt::Result {
    let count = list.len();
    if listing == Listing::Largest && count > LINES {
        list.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        list.truncate(LINES);
        writeln!(out, "  the largest {LINES} of {count} {what}:")?;
    } else if count > 0 {
        writeln!(out, "  {what}:")?;
    }
    list.iter().try_for_each(|(bytes, line)| writeln!(out, "  {:>10}  {line}", ByteSize::new(*bytes)))
}

fn update(out: &mut String, cost: &Cost, listing: Listing) -> fmt::Result {
    let Cost { layers, objects } = cost;
    writeln!(out, "Update       from A to B moves")?;
    writeln!(out, "  {:<11}{:>8}{:>12}   of", "", "number", "bytes")?;
    let LayersCost { layers: all, layers_bytes, bytes, moved } = layers;
    let (bytes, total) = (ByteSize::new(*bytes), ByteSize::new(*layers_bytes));
    writeln!(out, "  {:<11}{:>8}{bytes:>12}   {all}, {total} (compressed)", "by layer", moved.len())?;
    let ObjectsCost { contents, contents_bytes, bytes, moved, directories, relabelled, relabelled_bytes } = objects;
    let (bytes, total) = (ByteSize::new(*bytes), ByteSize::new(*contents_bytes));
    writeln!(out, "  {:<11}{:>8}{bytes:>12}   {contents}, {total} (not compressed)", "by object", moved.len())?;
    if *relabelled > 0 {
        let bytes = ByteSize::new(*relabelled_bytes);
        writeln!(out, "  {:<11}{relabelled:>8}{bytes:>12}   of which only owner, mode or attributes are new", "and")?;
    }
    let list: Vec<_> =
        layers.moved.iter().map(|layer| (layer.bytes, format!("layer {} {}", layer.number, layer.digest))).collect();
    largest(out, "layers", list, listing)?;
    let list: Vec<_> = directories
        .iter()
        .map(|sum| (sum.bytes, format!("{} ({} files)", alone(&sum.path, "directory"), sum.files)))
        .collect();
    largest(out, "directories", list, listing)?;
    let list: Vec<_> = moved.iter().map(|file| (file.bytes, DisplayPath(&file.path).to_string())).collect();
    largest(out, "files", list, listing)
}
