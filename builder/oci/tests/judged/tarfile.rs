//! Tar streams, byte by byte: what a layer can hold, right and wrong.

/// A tar stream in the making.
#[derive(Clone, Default)]
pub(crate) struct Tar {
    pub(crate) bytes: Vec<u8>,
}

/// An entry with all that headers can say.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) flag: u8,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: u64,
    pub(crate) link: Vec<u8>,
    pub(crate) device: (u32, u32),
    pub(crate) pax: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// The size that the header claims, where it is not the body's.
    pub(crate) claim: Option<u64>,
}

impl Entry {
    pub(crate) fn new(flag: u8, name: impl AsRef<[u8]>, mode: u32) -> Self {
        Self {
            name: name.as_ref().to_vec(),
            flag,
            mode,
            uid: 0,
            gid: 0,
            mtime: 1_600_000_000,
            link: Vec::new(),
            device: (0, 0),
            pax: Vec::new(),
            body: Vec::new(),
            claim: None,
        }
    }

    pub(crate) fn owner(mut self, uid: u32, gid: u32) -> Self {
        (self.uid, self.gid) = (uid, gid);
        self
    }

    pub(crate) fn pax(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.pax.push((key.as_bytes().to_vec(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn mtime(mut self, mtime: u64) -> Self {
        self.mtime = mtime;
        self
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    pub(crate) fn device(mut self, major: u32, minor: u32) -> Self {
        self.device = (major, minor);
        self
    }

    pub(crate) fn claim(mut self, size: u64) -> Self {
        self.claim = Some(size);
        self
    }
}

pub(crate) fn file(name: impl AsRef<[u8]>, body: impl AsRef<[u8]>) -> Entry {
    Entry::new(b'0', name, 0o644).body(body)
}

pub(crate) fn dir(name: impl AsRef<[u8]>, mode: u32) -> Entry {
    Entry::new(b'5', name, mode)
}

pub(crate) fn symlink(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Entry {
    Entry { link: target.as_ref().to_vec(), ..Entry::new(b'2', name, 0o777) }
}

pub(crate) fn hard_link(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Entry {
    Entry { link: target.as_ref().to_vec(), ..Entry::new(b'1', name, 0o600).owner(77, 77) }
}

impl Tar {
    pub(crate) fn of(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut tar = Self::default();
        for entry in entries {
            tar.push(&entry);
        }
        tar
    }

    pub(crate) fn push(&mut self, entry: &Entry) -> &mut Self {
        if !entry.pax.is_empty() {
            let records: Vec<u8> = entry.pax.iter().flat_map(|(key, value)| record(key, value)).collect();
            self.raw(b'x', b"pax", &records);
        }
        let mut header = tar::Header::new_ustar();
        fill(&mut header, entry);
        self.block(header);
        self.body(&entry.body);
        self
    }

    /// An extended header of GNU's: `L` or `K`.
    pub(crate) fn gnu_long(&mut self, flag: u8, text: &[u8]) -> &mut Self {
        self.raw(flag, b"././@LongLink", &[text, b"\0"].concat())
    }

    pub(crate) fn raw(&mut self, flag: u8, name: &[u8], body: &[u8]) -> &mut Self {
        let mut header = tar::Header::new_ustar();
        fill(&mut header, &Entry::new(flag, name, 0o644).body(body));
        self.block(header);
        self.body(body);
        self
    }

    /// A file in old GNU's sparse form: pieces of data, the size of the whole.
    pub(crate) fn old_gnu_sparse(&mut self, name: &str, size: u64, pieces: &[(u64, &[u8])]) -> &mut Self {
        let mut header = tar::Header::new_gnu();
        let body: Vec<u8> = pieces.iter().flat_map(|(_, data)| data.to_vec()).collect();
        fill(&mut header, &Entry::new(b'S', name, 0o644).body(&body));
        let gnu = header.as_gnu_mut().unwrap();
        let octal = |number: u64| -> [u8; 12] { format!("{number:011o}\0").into_bytes().try_into().unwrap() };
        gnu.realsize = octal(size);
        let mut slots: Vec<[u8; 24]> = pieces
            .iter()
            .map(|(offset, data)| [octal(*offset), octal(data.len() as u64)].concat().try_into().unwrap())
            .collect();
        let inline: Vec<_> = slots.drain(..slots.len().min(4)).collect();
        for (slot, bytes) in gnu.sparse.iter_mut().zip(&inline) {
            slot.offset.copy_from_slice(&bytes[..12]);
            slot.numbytes.copy_from_slice(&bytes[12..]);
        }
        gnu.isextended = [u8::from(!slots.is_empty())];
        self.block(header);
        let extensions = slots.chunks(21).count();
        for (at, chunk) in slots.chunks(21).enumerate() {
            let mut block = [0; 512];
            block[..24 * chunk.len()].copy_from_slice(&chunk.concat());
            block[504] = u8::from(at + 1 < extensions);
            self.bytes.extend_from_slice(&block);
        }
        self.body(&body);
        self
    }

    fn block(&mut self, mut header: tar::Header) {
        header.set_cksum();
        self.bytes.extend_from_slice(header.as_bytes());
    }

    fn body(&mut self, body: &[u8]) {
        self.bytes.extend_from_slice(body);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
    }

    /// The stream with the two zero blocks at its end.
    pub(crate) fn end(&self) -> Vec<u8> {
        [&self.bytes[..], &[0; 1024]].concat()
    }
}

fn fill(header: &mut tar::Header, entry: &Entry) {
    header.as_old_mut().name[..entry.name.len().min(100)].copy_from_slice(&entry.name[..entry.name.len().min(100)]);
    header.as_old_mut().linkname[..entry.link.len().min(100)].copy_from_slice(&entry.link[..entry.link.len().min(100)]);
    header.set_entry_type(tar::EntryType::new(entry.flag));
    header.set_mode(entry.mode);
    header.set_uid(entry.uid.into());
    header.set_gid(entry.gid.into());
    header.set_mtime(entry.mtime);
    header.set_size(entry.claim.unwrap_or(entry.body.len() as u64));
    if matches!(entry.flag, b'3' | b'4') {
        header.set_device_major(entry.device.0).unwrap();
        header.set_device_minor(entry.device.1).unwrap();
    }
}

/// A PAX record, its length included.
pub(crate) fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let length = (1..10).map(|digits| rest + digits).find(|n| n.to_string().len() + rest == *n).unwrap();
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}
