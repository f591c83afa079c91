//! Damage is found, named by structure and path, and seen by e2fsck as well.

mod images;
mod patch;
mod rows;

use builder_ext4_check::{Level, check};
use images::{content, lines, made, must, run};
use patch::Patched;
use rows::{Numbers, PATHS, Row, rows, unjudged};

/// Whether the damage of a row is named; else what is.
fn named(row: &Row, image: &Patched) -> Result<(), String> {
    let report = check(image, Level::Full).unwrap();
    let named = report.findings.iter().any(|finding| {
        let line = finding.to_string();
        finding.severity == row.severity && line.starts_with(row.finding) && line.contains(row.also)
    });
    if named {
        Ok(())
    } else {
        Err(format!("{}: no `{}` with `{}` in\n{}", row.name, row.finding, row.also, lines(&report)))
    }
}

fn base() -> (Patched, Numbers) {
    let content = content();
    let image = made(40, &["-b", "1024", "-N", "4096", "-O", "metadata_csum,64bit"], Some(content.path()));
    let path = image.path().to_str().unwrap();
    must("e2fsck", &["-fn", path]);
    let numbers = PATHS.into_iter().map(|name| {
        let shown = must("debugfs", &["-R", &format!("stat {name}"), path]);
        let number = shown.split("Inode: ").nth(1).unwrap().split_whitespace().next().unwrap();
        (name, number.parse().unwrap())
    });
    (Patched::read(image.path()), Numbers(numbers.collect()))
}

#[test]
fn every_damage_is_named_and_seen_by_e2fsck_as_well() {
    let (whole, numbers) = base();
    let report = check(&whole, Level::Full).unwrap();
    assert!(report.is_clean(), "{}", lines(&report));
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let (mut wrong, rows) = (Vec::new(), rows());
    assert!(rows.len() >= 40);
    for row in rows {
        let mut image = whole.clone();
        (row.damage)(&mut image, &numbers);
        assert!(image.bytes != whole.bytes, "{}: nothing was changed", row.name);
        wrong.extend(named(&row, &image).err());
        std::fs::write(file.path(), &image.bytes).unwrap();
        let mut arguments = vec!["-fn"];
        arguments.extend(row.e2fsck);
        arguments.push(path);
        let (code, text) = run("e2fsck", &arguments);
        // Where e2fsck leaves something as it was, it does not always say so in its exit code.
        if code == 0 && !text.contains("? no") {
            wrong.push(format!("{}: e2fsck sees nothing\n{text}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_e2fsck_does_not_tell_is_named_as_well() {
    let (whole, numbers) = base();
    for row in unjudged() {
        let mut image = whole.clone();
        (row.damage)(&mut image, &numbers);
        named(&row, &image).unwrap();
    }
}

#[test]
fn a_circle_of_directories_is_found() {
    let (mut image, numbers) = base();
    // /deep/er becomes the only place of /deep.
    let (deep, deeper) = (numbers.of("/deep"), numbers.of("/deep/er"));
    let block = image.blocks(deeper)[0];
    let at = image.at(block) + 12;
    image.put16(at + 4, 12);
    image.put32(at + 12, deep);
    image.put16(at + 16, 1024 - 12 - 24);
    image.put16(at + 18, 0x0201);
    image.bytes[at + 20] = b'x';
    image.mend_directory_block(block, deeper);
    let root = image.blocks(2)[0];
    let at = image.entry(root, b"deep");
    image.put32(at, 0);
    image.mend_directory_block(root, 2);
    let report = check(&image, Level::Full).unwrap();
    assert!(lines(&report).contains("way to the root is a circle of directories"), "{}", lines(&report));
}
