//! Partition types: the GUIDs of the Discoverable Partitions Specification, under the names systemd gives them.

use uuid::{Uuid, uuid};

/// EFI system partition: where the firmware finds boot loaders; FAT.
pub const ESP: Uuid = uuid!("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
/// Extended boot loader partition: kernels and boot entries that have no room on the ESP.
pub const XBOOTLDR: Uuid = uuid!("bc13c2ff-59e6-4262-a352-b275fd6f7172");
/// Linux data of no particular meaning.
pub const LINUX_GENERIC: Uuid = uuid!("0fc63daf-8483-4772-8e79-3d69d8477de4");
/// Where GRUB's core image lies for a legacy BIOS.
pub const BIOS_BOOT: Uuid = uuid!("21686148-6449-6e6f-744e-656564454649");
/// PowerPC Reference Platform: where Open Firmware finds its boot loader.
pub const PREP_BOOT: Uuid = uuid!("9e1a2d38-c612-4316-aa26-8b49521e5a8b");

/// Types whose names are the same on every architecture.
const ANYWHERE: [(&str, Uuid); 11] = [
    ("esp", ESP),
    ("xbootldr", XBOOTLDR),
    ("linux-generic", LINUX_GENERIC),
    ("bios-boot", BIOS_BOOT),
    ("prep-boot", PREP_BOOT),
    ("swap", uuid!("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f")),
    ("home", uuid!("933ac7e1-2eb4-4f13-b844-0e14e2aef915")),
    ("srv", uuid!("3b8f8425-20e0-4f3b-907f-1a25a76f98e8")),
    ("var", uuid!("4d21b016-b534-45c2-a9fb-5c16e091fd2d")),
    ("tmp", uuid!("7ec6f557-3bc5-4aca-b293-16ef5df639d1")),
    ("user-home", uuid!("773f91ef-66d4-49b5-bd83-d683bf40ad16")),
];

/// Root file systems, by the architecture they are for.
const ROOTS: [(&str, Uuid); 21] = [
    ("root-alpha", uuid!("6523f8ae-3eb1-4e2a-a05a-18b695ae656f")),
    ("root-arc", uuid!("d27f46ed-2919-4cb8-bd25-9531f3c16534")),
    ("root-arm", uuid!("69dad710-2ce4-4e3c-b16c-21a1d49abed3")),
    ("root-arm64", uuid!("b921b045-1df0-41c3-af44-4c6f280d3fae")),
    ("root-ia64", uuid!("993d8d3d-f80e-4225-855a-9daf8ed7ea97")),
    ("root-loongarch64", uuid!("77055800-792c-4f94-b39a-98c91b762bb6")),
    ("root-mips", uuid!("e9434544-6e2c-47cc-bae2-12d6deafb44c")),
    ("root-mips-le", uuid!("37c58c8a-d913-4156-a25f-48b1b64e07f0")),
    ("root-mips64", uuid!("d113af76-80ef-41b4-bdb6-0cff4d3d4a25")),
    ("root-mips64-le", uuid!("700bda43-7a34-4507-b179-eeb93d7a7ca3")),
    ("root-parisc", uuid!("1aacdb3b-5444-4138-bd9e-e5c2239b2346")),
    ("root-ppc", uuid!("1de3f1ef-fa98-47b5-8dcd-4a860a654d78")),
    ("root-ppc64", uuid!("912ade1d-a839-4913-8964-a10eee08fbd2")),
    ("root-ppc64-le", uuid!("c31c45e6-3f39-412e-80fb-4809c4980599")),
    ("root-riscv32", uuid!("60d5a7fe-8e7d-435c-b714-3dd8162144e1")),
    ("root-riscv64", uuid!("72ec70a6-cf74-40e6-bd49-4bda08e8f224")),
    ("root-s390", uuid!("08a7acea-624c-4a20-91e8-6e0fa67d23f9")),
    ("root-s390x", uuid!("5eead9a9-fe09-4a1e-a1d7-520d00531306")),
    ("root-tilegx", uuid!("c50cdd70-3862-4cc3-90e1-809a8c93ee2c")),
    ("root-x86", uuid!("44479540-f297-41b2-9af7-d131d5f0458a")),
    ("root-x86-64", uuid!("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")),
];

/// Architectures as container images spell them (GOARCH), and how the specification does.
const ARCHITECTURES: [(&str, &str); 13] = [
    ("386", "root-x86"),
    ("amd64", "root-x86-64"),
    ("arm", "root-arm"),
    ("arm64", "root-arm64"),
    ("loong64", "root-loongarch64"),
    ("mips", "root-mips"),
    ("mips64", "root-mips64"),
    ("mips64le", "root-mips64-le"),
    ("mipsle", "root-mips-le"),
    ("ppc64", "root-ppc64"),
    ("ppc64le", "root-ppc64-le"),
    ("riscv64", "root-riscv64"),
    ("s390x", "root-s390x"),
];

/// The type of that name: `esp`, `xbootldr`, `root-x86-64`, `linux-generic`, `bios-boot`, …
///
/// The name `root` alone has no answer here, as it depends on the architecture: see [`root_for`].
#[must_use]
pub fn by_name(name: &str) -> Option<Uuid> {
    ANYWHERE.iter().chain(&ROOTS).find(|(known, _)| *known == name).map(|&(_, guid)| guid)
}

/// The type of the root file system for an architecture as container images spell it: `amd64`, `arm64`, `riscv64`, …
#[must_use]
pub fn root_for(architecture: &str) -> Option<Uuid> {
    ARCHITECTURES.iter().find(|(known, _)| *known == architecture).and_then(|(_, name)| by_name(name))
}

/// All names [`by_name`] knows, for messages.
pub fn names() -> impl Iterator<Item = &'static str> {
    ANYWHERE.iter().chain(&ROOTS).map(|&(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::{ARCHITECTURES, by_name, names, root_for};

    #[test]
    fn every_architecture_has_a_root_type() {
        for (architecture, name) in ARCHITECTURES {
            assert!(by_name(name).is_some(), "{name}");
            assert_eq!(root_for(architecture), by_name(name));
        }
        assert_eq!(root_for("x86_64"), None);
        assert_eq!(by_name("root"), None);
    }

    #[test]
    fn no_two_names_share_a_type() {
        let mut guids: Vec<_> = names().filter_map(by_name).collect();
        guids.sort();
        guids.dedup();
        assert_eq!(guids.len(), names().count());
    }
}
