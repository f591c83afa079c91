//! An entry that is a file or a directory.

use crate::directory::Names;
use crate::geometry::FatKind;
use crate::long_name::Pieces;
use crate::paths::PathId;
use crate::record::{RESERVED, Record};
use crate::short_name::{self, CASE_BITS};
use crate::time::{date_is_right, time_is_right};
use crate::tree::{Directory, Tree};
use crate::{CheckError, Finding};

/// Checks an entry and follows its clusters. `pieces` are those of its long name.
pub(crate) fn check(
    tree: &mut Tree<'_, '_>,
    directory: &Directory,
    record: &Record,
    pieces: Option<&Pieces>,
    names: &mut Names,
) -> Result<(), CheckError> {
    let short = short_name::text(record);
    let long = pieces.map(|pieces| pieces.finish(short_name::checksum(&record.name)));
    let name = match &long {
        Some(Ok(long)) => &*long.text,
        _ => &*short,
    };
    // A path is made for findings only, and there may be very many files that have none.
    let path = if tree.report.is_full() { String::new() } else { tree.paths.text_in(directory.id, name) };
    if let Some(fault) = short_name::fault(&record.name) {
        tree.report.push(Finding::error(&*path, "short name", fault, "upper-case letters, digits and some others"));
    }
    match &long {
        None => {}
        Some(Err(fault)) => tree.report.push(
            Finding::error(&*path, "long name", fault, "all pieces in order, with the checksum of the short name")
                .hint("the long name is lost; only the short one leads to it"),
        ),
        Some(Ok(long)) => {
            if let Some(bad) = long.forbidden() {
                tree.report.push(Finding::error(&*path, "long name", bad, "only characters that names may have"));
            }
            if let Some(oddity) = long.oddity() {
                tree.report.push(Finding::warning(&*path, "long name", oddity, "UTF-16 that ends as it should"));
            }
        }
    }
    if pieces.is_some_and(|pieces| !pieces.reserved_is_zero) {
        tree.report.push(Finding::warning(&*path, "type or cluster of the long name", "not zero", 0));
    }
    check_unique(tree, &path, [name, &short], names);
    check_fields(tree, &path, record);
    if record.is_directory() {
        check_directory(tree, directory, record, name, &path)
    } else {
        check_file(tree, directory.id, record, name, &path)
    }
}

/// A name differs from the others by more than case, and so does its short form.
fn check_unique(tree: &mut Tree<'_, '_>, path: &str, forms: [&str; 2], names: &mut Names) {
    // Only where a letter stays one, as systems compare unit by unit.
    let folded = |name: &str| -> String {
        let upper = |c: char| {
            let mut upper = c.to_uppercase();
            upper.next().filter(|_| upper.next().is_none()).unwrap_or(c)
        };
        name.chars().map(upper).collect()
    };
    let folded_forms = forms.map(folded);
    if let Some(other) = folded_forms.iter().find_map(|form| names.get(form)) {
        let expected = format!("a name of its own, as {other:?} is in the same directory");
        tree.report.push(
            Finding::error(path, "name", "taken", expected).hint("only one of the two can be opened; rename one"),
        );
    }
    for form in folded_forms {
        names.entry(form).or_insert_with(|| forms[0].to_owned());
    }
}

fn check_fields(tree: &mut Tree<'_, '_>, path: &str, record: &Record) {
    let mut warn = |field: &str, found: String, expected: &str| {
        tree.report.push(Finding::warning(path, field, found, expected));
    };
    if record.attributes & RESERVED != 0 {
        warn("attributes", format!("{:#04x}", record.attributes), "bits 6 and 7 clear");
    }
    if record.case & !CASE_BITS != 0 {
        warn("case byte", format!("{:#04x}", record.case), "only bits 3 and 4 set");
    }
    if tree.geometry.kind != FatKind::Fat32 && record.cluster_high != 0 {
        warn("upper half of the first cluster", record.cluster_high.to_string(), "0, as only FAT32 has one");
    }
    for (field, date) in [
        ("date of creation", record.created_date),
        ("date of the last access", record.accessed_date),
        ("date of the last change", record.written_date),
    ] {
        if !date_is_right(date) {
            let (year, month, day) = (1980 + (date >> 9), date >> 5 & 0xF, date & 0x1F);
            warn(field, format!("{year}-{month:02}-{day:02}"), "a day of the calendar");
        }
    }
    for (field, time) in [("time of creation", record.created_time), ("time of the last change", record.written_time)] {
        if !time_is_right(time) {
            let (hour, minute, second) = (time >> 11, time >> 5 & 0x3F, 2 * (time & 0x1F));
            warn(field, format!("{hour:02}:{minute:02}:{second:02}"), "a time of the day");
        }
    }
    if record.created_hundredths > 199 {
        warn("hundredths of creation", record.created_hundredths.to_string(), "at most 199");
    }
}

fn check_directory(
    tree: &mut Tree<'_, '_>,
    above: &Directory,
    record: &Record,
    name: &str,
    path: &str,
) -> Result<(), CheckError> {
    tree.directories += 1;
    if record.size != 0 {
        tree.report.push(Finding::error(path, "size", format!("{} bytes", record.size), "0, as it is a directory"));
    }
    let first = record.first_cluster(tree.geometry.kind);
    if first == 0 {
        tree.report.push(Finding::error(path, "first cluster", 0, "a cluster, as every directory has one"));
        return Ok(());
    }
    let Some(id) = tree.add_path(above.id, name) else { return Ok(()) };
    let chain = tree.follow(first, id)?;
    if chain.clusters > 0 {
        let parent = if above.id == PathId::ROOT { 0 } else { above.first };
        tree.visit(Directory { id, first, clusters: chain.clusters, parent });
    }
    Ok(())
}

fn check_file(
    tree: &mut Tree<'_, '_>,
    directory: PathId,
    record: &Record,
    name: &str,
    path: &str,
) -> Result<(), CheckError> {
    tree.files += 1;
    let first = record.first_cluster(tree.geometry.kind);
    let needed = u64::from(record.size).div_ceil(tree.geometry.cluster);
    let mut clusters = 0;
    if first != 0 {
        let Some(id) = tree.add_path(directory, name) else { return Ok(()) };
        let chain = tree.follow(first, id)?;
        if chain.fault.is_some() {
            return Ok(());
        }
        clusters = u64::from(chain.clusters);
    }
    if clusters != needed {
        let cluster = tree.geometry.cluster;
        let expected = match clusters {
            0 => "0, as it has no cluster".into(),
            _ => format!(
                "{} to {} bytes, as its chain has {clusters} clusters",
                (clusters - 1) * cluster + 1,
                clusters * cluster
            ),
        };
        let finding = Finding::error(path, "size", format!("{} bytes", record.size), expected);
        tree.report.push(if clusters < needed {
            finding.hint("its end is lost")
        } else {
            finding.hint("the clusters behind its end are wasted; fsck.fat can free them")
        });
    }
    Ok(())
}
