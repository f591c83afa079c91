//! What a name of a file system leads to, as `root=` and `/etc/fstab` have them.

use super::other::{Contents, OtherPartition};
use super::volumes::{Volume, Volumes};

/// Partitions that are named where something cannot be known; more are counted.
const MOST_NAMED: usize = 4;

/// What a name leads to.
pub(crate) enum Named<'a> {
    /// To this file system.
    Found(&'a Volume),
    /// To this partition, whose contents are not looked into.
    Other(&'a OtherPartition),
    /// To none on this disk.
    Missing,
    /// To none that was looked into; these partitions were not, and may have it.
    Unseen(String),
    /// It depends on the machine, or is no device.
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    Uuid,
    Label,
    PartitionUuid,
    PartitionLabel,
}

/// How names begin, and the directories of `/dev/disk` with links of the same meaning.
const TAGS: [(Tag, &str, &str); 4] = [
    (Tag::Uuid, "UUID=", "/dev/disk/by-uuid/"),
    (Tag::Label, "LABEL=", "/dev/disk/by-label/"),
    (Tag::PartitionUuid, "PARTUUID=", "/dev/disk/by-partuuid/"),
    (Tag::PartitionLabel, "PARTLABEL=", "/dev/disk/by-partlabel/"),
];

/// Names as they stand on a disk.
struct Names<'a> {
    uuid: Option<&'a str>,
    label: Option<&'a str>,
    partition_uuid: Option<&'a str>,
    partition_label: &'a str,
}

impl Names<'_> {
    fn have(&self, tag: Tag, value: &str) -> bool {
        let same = |name: Option<&str>| name.is_some_and(|name| name.eq_ignore_ascii_case(value));
        match tag {
            Tag::Uuid => same(self.uuid),
            Tag::Label => self.label == Some(value),
            Tag::PartitionUuid => same(self.partition_uuid),
            Tag::PartitionLabel => self.partition_label == value,
        }
    }
}

impl Volumes {
    /// What a `root=` argument or a line of fstab names.
    pub(crate) fn named(&self, source: &str) -> Named<'_> {
        let Some((tag, value)) = tag(source) else { return Named::Unknown };
        let volume = self.all.iter().find(|volume| {
            let (device, partition_label) = (&volume.device, volume.name.as_str());
            let (uuid, label) = (device.uuid.as_deref(), device.label.as_deref());
            let partition_uuid = device.partition_uuid.as_deref();
            Names { uuid, label, partition_uuid, partition_label }.have(tag, &value)
        });
        if let Some(volume) = volume {
            return Named::Found(volume);
        }
        let other = self.others.iter().find(|other| {
            let (uuid, label) = (other.uuid.as_deref(), other.label.as_deref());
            let (partition_uuid, partition_label) = (other.partition_uuid.as_deref(), other.name.as_str());
            Names { uuid, label, partition_uuid, partition_label }.have(tag, &value)
        });
        if let Some(other) = other {
            return Named::Other(other);
        }
        // The table knows the names of all partitions but those of an extended one.
        let may_have = |contents| match contents {
            Contents::Partitions => true,
            Contents::Unknown => matches!(tag, Tag::Uuid | Tag::Label),
            Contents::Swap | Contents::Damaged | Contents::Nameless => false,
        };
        match self.places(|other| may_have(other.contents)) {
            None => Named::Missing,
            Some(places) => Named::Unseen(places),
        }
    }

    /// The partitions in which a boot loader may find what is not found here; `None` where there are none.
    pub(crate) fn boot_elsewhere(&self) -> Option<String> {
        self.places(|other| other.contents == Contents::Unknown && other.format.is_some())
    }

    fn places(&self, is_one: impl Fn(&OtherPartition) -> bool) -> Option<String> {
        let mut places = self.others.iter().filter(|other| is_one(other)).map(|other| match other.format {
            Some(format) => format!("{} ({format})", other.place),
            None => other.place.clone(),
        });
        let first: Vec<String> = places.by_ref().take(MOST_NAMED).collect();
        match (first.is_empty(), places.count()) {
            (true, _) => None,
            (false, 0) => Some(first.join(", ")),
            (false, more) => Some(format!("{} and {more} more", first.join(", "))),
        }
    }
}

/// The kind of a name, and its value.
fn tag(source: &str) -> Option<(Tag, String)> {
    let (tag, value) = TAGS.iter().find_map(|&(tag, begin, directory)| {
        let value = source.strip_prefix(begin).map(|value| value.trim_matches('"').to_owned());
        Some((tag, value.or_else(|| source.strip_prefix(directory).map(unescaped))?))
    })?;
    (!value.is_empty()).then_some((tag, value))
}

/// Why nothing is said of a name that the partitions at these places may have.
pub(crate) fn unseen(places: &str) -> String {
    format!("whether it is there cannot be known, as this is not looked into: {places}")
}

/// udev writes characters such as spaces as `\x20`.
pub(crate) fn unescaped(text: &str) -> String {
    let mut pieces = text.split("\\x");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii) {
            Some(byte) => {
                plain.push(char::from(byte));
                plain.push_str(piece.get(2..).unwrap_or_default());
            }
            None => {
                plain.push_str("\\x");
                plain.push_str(piece);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use builder_tree::ContentStore;

    use super::{Contents, Named, OtherPartition, Volumes};

    /// What `source` leads to, in a word.
    fn named(volumes: &Volumes, source: &str) -> String {
        match volumes.named(source) {
            Named::Found(volume) => volume.place.clone(),
            Named::Other(other) => other.place.clone(),
            Named::Missing => "missing".to_owned(),
            Named::Unseen(places) => format!("unseen in {places}"),
            Named::Unknown => "unknown".to_owned(),
        }
    }

    #[test]
    fn what_the_table_says_is_known_and_what_only_contents_say_may_not_be() {
        let directory = tempfile::tempdir().unwrap();
        let store = Rc::new(RefCell::new(ContentStore::new(directory.path()).unwrap()));
        let other = |number: u32, name: &str, contents| OtherPartition {
            place: format!("partition {number}"),
            name: name.to_owned(),
            partition_uuid: Some(format!("abcd-{number}")),
            uuid: (contents == Contents::Swap).then(|| "0af1".to_owned()),
            label: None,
            contents,
            format: None,
        };
        let mut volumes = Volumes { all: Vec::new(), others: vec![other(1, "", Contents::Nameless)], store };
        assert_eq!(named(&volumes, "UUID=12"), "missing");
        volumes.others.extend([other(2, "my swap", Contents::Swap), other(3, "home", Contents::Unknown)]);
        for (source, expected) in [
            ("UUID=0AF1", "partition 2"),
            ("/dev/disk/by-uuid/0af1", "partition 2"),
            ("UUID=12", "unseen in partition 3"),
            ("LABEL=\"x\"", "unseen in partition 3"),
            ("PARTUUID=ABCD-3", "partition 3"),
            ("PARTUUID=abcd-4", "missing"),
            ("PARTLABEL=home", "partition 3"),
            ("PARTLABEL=Home", "missing"),
            ("PARTLABEL=", "unknown"),
            ("/dev/disk/by-partlabel/my\\x20swap", "partition 2"),
            ("/dev/vda3", "unknown"),
            ("tmpfs", "unknown"),
        ] {
            assert_eq!(named(&volumes, source), expected, "{source}");
        }
        volumes.others.push(other(4, "", Contents::Partitions));
        assert_eq!(named(&volumes, "PARTUUID=abcd-5"), "unseen in partition 4");
        volumes.others.extend((5..=9).map(|number| other(number, "", Contents::Unknown)));
        let expected = "unseen in partition 3, partition 4, partition 5, partition 6 and 3 more";
        assert_eq!(named(&volumes, "UUID=12"), expected);
    }
}
