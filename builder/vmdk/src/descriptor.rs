//! The text that tells what kind of disk it is: VMware, "Virtual Disk Format 5.0", "The Descriptor File".

use crate::{Options, VmdkError};

/// Sectors of the descriptor in our own files. The text has less than one thousand bytes; twenty sectors is what other
/// writers leave for it, so that tools can edit it in place.
pub(crate) const SECTORS: u64 = 20;

/// The longest descriptor that is read, in bytes.
pub(crate) const MAX_BYTES: u64 = 64 << 10;

/// `parentCID` of a disk that has no parent.
const NO_PARENT: &str = "ffffffff";

/// The text for a stream.
///
/// The geometry is that of SCSI disks with the BIOS translation of every size (255 heads, 63 sectors): nothing but
/// old BIOS code looks at it. `virtualHWVersion` is the oldest that knows the format, since an importer takes the
/// version of the machine from the OVF file. `toolsVersion` says that the guest brings its tools itself.
pub(crate) fn text(options: &Options) -> String {
    const HEADS: u64 = 255;
    const TRACK_SECTORS: u64 = 63;
    let cylinders = (options.sectors() / (HEADS * TRACK_SECTORS)).clamp(1, 65_535);
    format!(
        "# Disk DescriptorFile\n\
         version=1\n\
         encoding=\"UTF-8\"\n\
         CID={cid:08x}\n\
         parentCID={NO_PARENT}\n\
         createType=\"streamOptimized\"\n\
         \n\
         # Extent description\n\
         RDONLY {sectors} SPARSE \"{name}\"\n\
         \n\
         # The Disk Data Base\n\
         #DDB\n\
         \n\
         ddb.adapterType = \"lsilogic\"\n\
         ddb.geometry.cylinders = \"{cylinders}\"\n\
         ddb.geometry.heads = \"{HEADS}\"\n\
         ddb.geometry.sectors = \"{TRACK_SECTORS}\"\n\
         ddb.toolsVersion = \"2147483647\"\n\
         ddb.virtualHWVersion = \"4\"\n",
        cid = options.content_id,
        sectors = options.sectors(),
        name = options.name,
    )
}

/// Whether `bytes` (up to the first NUL) describe a disk that is whole and in the file that they are in.
///
/// # Errors
/// The disk is of another type, has another number of extents than one, or a parent.
pub(crate) fn check(bytes: &[u8]) -> Result<(), VmdkError> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..end]);
    let mut extents = 0_usize;
    let mut create_type = None;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        if matches!(words.next(), Some("RW" | "RDONLY" | "NOACCESS")) {
            extents += 1;
            let kind = words.nth(1).unwrap_or("");
            if kind != "SPARSE" {
                return Err(VmdkError::Unsupported { found: format!("a disk with an extent of the type {kind:?}") });
            }
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.trim().trim_matches('"');
            match key.trim() {
                "createType" => create_type = Some(value),
                key @ ("parentCID" | "parentFileNameHint") if !value.eq_ignore_ascii_case(NO_PARENT) => {
                    return Err(VmdkError::Parent { parent: format!("{key}={value:?}") });
                }
                _ => {}
            }
        }
    }
    let found = match create_type {
        Some("streamOptimized" | "monolithicSparse") if extents == 1 => return Ok(()),
        Some("streamOptimized" | "monolithicSparse") => format!("a disk with {extents} extents"),
        Some(other) => format!("a disk of the type {other:?}"),
        None if end == 0 => "an extent of a disk in several files".into(),
        None => "one without a type in its descriptor".into(),
    };
    Err(VmdkError::Unsupported { found })
}

#[cfg(test)]
mod tests {
    use builder_block::ByteSize;

    use super::{check, text};
    use crate::Options;

    #[test]
    fn only_whole_disks_in_one_file_pass() {
        let own = text(&Options { size: ByteSize::mib(8), level: 6, content_id: 0xabc, name: "a=b.vmdk".into() });
        assert!(own.len() < 1000 && own.contains("CID=00000abc\n") && own.contains("RDONLY 16384 SPARSE"), "{own}");
        let with = |from: &str, to: &str| own.replace(from, to);
        for (text, expected) in [
            (own.clone(), None),
            (with("\n", "\r\n"), None),
            (with("RDONLY", "RW"), None),
            (own.clone() + "\0parentCID=1\n", None),
            (with("streamOptimized", "monolithicSparse"), None),
            (with("streamOptimized", "monolithicFlat"), Some("type \"monolithicFlat\"")),
            (with("createType", "type"), Some("without a type")),
            (with("SPARSE", "FLAT"), Some("type \"FLAT\"")),
            (with("RDONLY 16384", "RDONLY"), Some("extent of the type")),
            (with("RDONLY", "# "), Some("0 extents")),
            (own.clone() + "RW 1 SPARSE \"b.vmdk\"\n", Some("2 extents")),
            (with("ffffffff", "0000abcd"), Some("parentCID=\"0000abcd\"")),
            (own.clone() + "parentFileNameHint=\"base.vmdk\"\n", Some("\"base.vmdk\"")),
            (String::new(), Some("several files")),
        ] {
            let error = check(text.as_bytes()).err().map(|error| error.to_string());
            match (&error, expected) {
                (None, None) => {}
                (Some(error), Some(expected)) if error.contains(expected) => {}
                _ => panic!("{text}\n{error:?}, not {expected:?}"),
            }
        }
    }
}
