//! Partition tables as `sgdisk`, `sfdisk` and systemd see them.

use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use builder_block::{ByteSize, Lba, SectorSize, SparseFile, WriteAt};
use builder_gpt::{ALIGNMENT, Partition, PartitionTable, Uuid, attributes, types};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

fn run(package: &str, command: &mut Command) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install the Debian package `{package}`"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn sgdisk(disk: &Path, options: &[&str]) -> String {
    run("gdisk", Command::new("sgdisk").args(options).arg(disk))
}

fn sfdisk(disk: &Path) -> serde_json::Value {
    serde_json::from_str(&run("fdisk", Command::new("sfdisk").arg("--json").arg(disk))).unwrap()
}

fn table(disk_size: ByteSize) -> PartitionTable {
    table_for(disk_size, SectorSize::Bytes512)
}

/// BIOS boot, ESP, boot and root; the root takes what the others leave.
fn table_for(disk_size: ByteSize, sector: SectorSize) -> PartitionTable {
    let guid = |n: u128| Uuid::from_u128(0x1234_5678_9abc_5def_8000_0000_0000_0000 + n);
    // Ends aligned as well: else sgdisk warns of disk encryption.
    let last = builder_gpt::last_usable(disk_size, sector).unwrap();
    let end = (last.offset(sector).bytes() + sector.bytes()) / ALIGNMENT.bytes();
    // Both in MiB.
    let partition = |number, type_guid, name: &str, first, size: u64, attributes| Partition {
        type_guid,
        guid: guid(number),
        name: name.into(),
        first: Lba::at(ByteSize::mib(first), sector).unwrap(),
        sectors: (size << 20) / sector.bytes(),
        attributes,
    };
    PartitionTable::new(
        guid(0),
        disk_size,
        sector,
        vec![
            partition(1, types::BIOS_BOOT, "BIOS-BOOT", 1, 1, attributes::LEGACY_BOOT),
            partition(2, types::ESP, "EFI-SYSTEM", 2, 4, attributes::NO_AUTO),
            partition(3, types::XBOOTLDR, "ümläut-☃-of-exactly-thirty-six-units", 6, 2, attributes::READ_ONLY),
            partition(
                4,
                types::root_for("amd64").unwrap(),
                "root",
                8,
                end - 8,
                attributes::GROW_FS | attributes::NO_AUTO,
            ),
        ],
    )
    .unwrap()
}

fn disk(table: &PartitionTable) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    let mut device = SparseFile::new(file.reopen().unwrap(), table.disk_size()).unwrap();
    table.write_to(&mut device).unwrap();
    // 34 sectors at the head but for the boot code, 33 at the tail; of larger sectors 6 and 5.
    let sectors = if table.sector_size() == SectorSize::Bytes512 { 67 } else { 11 };
    assert_eq!(device.written().bytes(), sectors * table.sector_size().bytes() - 440);
    file
}

const SIZES: [ByteSize; 4] =
    [ByteSize::mib(64), ByteSize::gib(10), ByteSize::gib(3 * 1024), ByteSize::new((64 << 20) + 512)];

#[test]
fn sgdisk_finds_no_problem_at_any_size() {
    for size in SIZES {
        let disk = disk(&table(size));
        let verdict = sgdisk(disk.path(), &["-v"]);
        assert!(verdict.contains("No problems found"), "{size}: {verdict}");
        for warning in ["Caution", "Warning", "Problem", "corrupt"] {
            assert!(!verdict.contains(warning), "{size}: {verdict}");
        }
    }
}

#[test]
fn sgdisk_reads_every_field_back() {
    let table = table(ByteSize::gib(10));
    let disk = disk(&table);
    for (number, partition) in (1..).zip(table.partitions()) {
        let shown = sgdisk(disk.path(), &["-i", &i32::to_string(&number)]);
        let upper = |guid: Uuid| guid.to_string().to_uppercase();
        for expected in [
            format!("Partition GUID code: {}", upper(partition.type_guid)),
            format!("Partition unique GUID: {}", upper(partition.guid)),
            format!("First sector: {} ", partition.first),
            format!("Last sector: {} ", partition.last()),
            format!("Partition size: {} sectors", partition.sectors),
            format!("Attribute flags: {:016X}", partition.attributes),
            format!("Partition name: '{}'", partition.name),
        ] {
            assert!(shown.contains(&expected), "{shown}\nlacks {expected}");
        }
    }
    let shown = sgdisk(disk.path(), &["-p"]);
    assert!(shown.contains("Disk identifier (GUID): 12345678-9ABC-5DEF-8000-000000000000"), "{shown}");
    assert!(shown.contains("First usable sector is 34, last usable sector is 20971486"), "{shown}");
}

#[test]
fn sfdisk_reads_the_same() {
    for size in SIZES {
        let table = table(size);
        let disk = disk(&table);
        let json = sfdisk(disk.path());
        let shown = &json["partitiontable"];
        assert_eq!(shown["label"], "gpt");
        assert_eq!(shown["id"], table.disk_guid().to_string().to_uppercase());
        assert_eq!(shown["firstlba"], table.first_usable().0);
        assert_eq!(shown["lastlba"], table.last_usable().0);
        let shown = shown["partitions"].as_array().unwrap();
        assert_eq!(shown.len(), table.partitions().len());
        for (shown, partition) in shown.iter().zip(table.partitions()) {
            assert_eq!(shown["start"], partition.first.0);
            assert_eq!(shown["size"], partition.sectors);
            assert_eq!(shown["type"], partition.type_guid.to_string().to_uppercase());
            assert_eq!(shown["uuid"], partition.guid.to_string().to_uppercase());
            assert_eq!(shown["name"], partition.name);
        }
        assert_eq!(shown[1]["attrs"], "GUID:63");
        assert_eq!(shown[3]["attrs"], "GUID:59,63");
        let verdict = run("fdisk", Command::new("sfdisk").arg("--verify").arg(disk.path()));
        assert!(verdict.contains("No errors detected"), "{size}: {verdict}");
    }
}

#[test]
fn fdisk_reads_the_same_in_sectors_of_4096_bytes() {
    let columns = "device,start,sectors,type-uuid,uuid,attrs,name";
    let list = |disk: &Path| {
        let options = ["--bytes", "--sector-size", "4096", "--list-details", "--output", columns];
        run("fdisk", Command::new("fdisk").env("LC_ALL", "C.UTF-8").args(options).arg(disk))
    };
    for size in &SIZES[..3] {
        let table = table_for(*size, SectorSize::Bytes4096);
        let disk = disk(&table);
        let shown = list(disk.path());
        for line in [
            "Disklabel type: gpt".to_owned(),
            format!("Disk identifier: {}", table.disk_guid().to_string().to_uppercase()),
            format!("First usable LBA: {}", table.first_usable()),
            format!("Last usable LBA: {}", table.last_usable()),
            "Alternative LBA: ".to_owned() + &(size.bytes() / 4096 - 1).to_string(),
            "Partition entries starting LBA: 2".to_owned(),
            "Partition entries ending LBA: 5".to_owned(),
            "Allocated partition entries: 128".to_owned(),
        ] {
            assert!(shown.lines().any(|shown| shown == line), "{shown}lacks {line}");
        }
        for partition in table.partitions() {
            let facts = [
                partition.first.to_string(),
                partition.sectors.to_string(),
                partition.type_guid.to_string().to_uppercase(),
                partition.guid.to_string().to_uppercase(),
                partition.name.clone(),
            ];
            let line = shown.lines().find(|line| line.contains(&facts[3])).unwrap_or_default();
            assert!(facts.iter().all(|fact| line.split_whitespace().any(|word| word == fact)), "{line}lacks {facts:?}");
        }
        // The backup alone gives the table, too.
        disk.as_file().write_all_at(&[0; 5 * 4096], 4096).unwrap();
        let partitions = |shown: &str| shown.lines().filter(|line| line.starts_with('/')).map(str::to_owned).collect();
        let (before, after): (Vec<String>, Vec<String>) = (partitions(&shown), partitions(&list(disk.path())));
        assert_eq!((before.len(), before), (4, after));
    }
}

#[test]
fn the_backup_alone_gives_the_table() {
    let disk = disk(&table(ByteSize::mib(64)));
    let before = sfdisk(disk.path());
    disk.as_file().write_all_at(&[0; 33 * 512], 512).unwrap();
    assert_eq!(sfdisk(disk.path()), before);
}

#[test]
fn the_protective_mbr_covers_the_disk() {
    for (size, sectors) in
        SIZES.into_iter().zip([131_071_u32, 20_971_519, u32::MAX, 131_072]).chain([(ByteSize::gib(2048), u32::MAX)])
    {
        let disk = disk(&table(size));
        let mut mbr = [0; 512];
        disk.as_file().read_exact_at(&mut mbr, 0).unwrap();
        assert_eq!(mbr[..446], [0; 446]);
        assert_eq!(mbr[446..458], [0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0]);
        assert_eq!(mbr[458..462], sectors.to_le_bytes(), "{size}");
        assert_eq!((&mbr[462..510], &mbr[510..]), (&[0; 48][..], &[0x55, 0xAA][..]));
    }
}

#[test]
fn boot_code_in_the_first_sector_stays() {
    let table = table(ByteSize::mib(64));
    let file = NamedTempFile::new().unwrap();
    let mut device = SparseFile::new(file.reopen().unwrap(), table.disk_size()).unwrap();
    device.write_at(0, &[0x90; 440]).unwrap();
    table.write_to(&mut device).unwrap();
    assert_eq!(std::fs::read(file.path()).unwrap()[..440], [0x90; 440]);
    assert!(sgdisk(file.path(), &["-v"]).contains("No problems found"));
    let mut other = SparseFile::new(tempfile::tempfile().unwrap(), ByteSize::mib(65)).unwrap();
    assert!(table.write_to(&mut other).is_err());
}

#[test]
fn a_full_table_of_128_partitions_is_right() {
    let partitions = (1..=128_u64)
        .map(|n| Partition {
            type_guid: types::LINUX_GENERIC,
            guid: Uuid::from_u128(u128::from(n)),
            name: String::new(),
            // Backwards: numbers need not follow the sectors.
            first: Lba((129 - n) * 2048),
            sectors: 2048,
            attributes: 0,
        })
        .collect();
    let table =
        PartitionTable::new(Uuid::from_u128(99_999), ByteSize::mib(256), SectorSize::Bytes512, partitions).unwrap();
    let disk = disk(&table);
    assert!(sgdisk(disk.path(), &["-v"]).contains("No problems found"));
    assert!(sgdisk(disk.path(), &["-i", "128"]).contains("First sector: 2048 "));
}

#[test]
fn types_are_those_systemd_knows() {
    let known = run("systemd", Command::new("systemd-id128").args(["show", "--uuid"]));
    for line in known.lines().skip(1) {
        let (name, guid) = line.split_once(' ').unwrap();
        let guid: Uuid = guid.trim().parse().unwrap();
        // What is left out: the native aliases, and verity and `/usr`, which ostree systems do not have.
        let left_out = ["root", "root-secondary", "usr", "usr-secondary"].contains(&name)
            || name.contains("verity")
            || name.starts_with("usr-")
            || name.contains("secondary");
        assert!(left_out || types::by_name(name) == Some(guid), "{name} {guid}: {:?}", types::by_name(name));
    }
}

#[test]
fn the_bytes_are_pinned() {
    let image = std::fs::read(disk(&table(ByteSize::mib(64))).path()).unwrap();
    let digest: String = Sha256::digest(&image).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "5f21507faf6f4f1a6a0c626b71e6ae1447d0a6a2e97744528e6f083b2008367e");
}
