//! Trees from dice: every seed is one, always the same.

use std::sync::Arc;

use builder_tree::{Content, Directory, FileTree, Inode, Metadata, Node};

use super::Case;

/// SplitMix64.
struct Dice {
    state: u64,
    /// Inodes met before, to give them further names.
    inodes: Vec<Arc<Inode>>,
    /// How many more nodes there may be.
    left: u32,
}

impl Dice {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `limit` - 1.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    fn byte(&mut self, from: u8, to: u8) -> u8 {
        from + u8::try_from(self.below(usize::from(to - from) + 1)).unwrap()
    }

    fn text(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte(b'a', b'z')).collect()
    }

    fn name(&mut self) -> Vec<u8> {
        match self.below(20) {
            0 => {
                let length = self.below(50) + 1;
                (0..length).map(|_| self.byte(b'0', 255)).collect()
            }
            1 => self.text(255),
            2 => [&b"."[..], &self.text(2)].concat(),
            3 => [&b".."[..], &self.text(1)].concat(),
            4 => [&[self.byte(b' ', b'-')][..], &self.text(1)].concat(),
            5 => format!("{:02x}", self.below(256)).into_bytes(),
            6 => self.pick(&["usr", "etc", "boot", "var", "sysroot"]).into(),
            7 => self.pick(&["äöü", "名前", "имя", "e\u{301}", "🦀"]).repeat(self.byte(1, 9).into()).into(),
            8 => {
                let length = self.below(200) + 20;
                self.text(length)
            }
            _ => {
                let length = self.below(12) + 1;
                self.text(length)
            }
        }
    }

    fn metadata(&mut self, flavour: usize) -> Metadata {
        let ids = [0, 0, 0, 0, 0, 1, 1000, 65_534, 65_535, 65_536, 100_000, u32::MAX];
        let mut metadata = Metadata::root(self.pick(&[0o755, 0o644, 0o600, 0o4755, 0o1777, 0, 0o7777]));
        metadata.uid = self.pick(&ids);
        metadata.gid = self.pick(&ids);
        let mut add = |name: Vec<u8>, value: Vec<u8>| metadata.xattrs.insert(name, value);
        // Trees without any attribute, with labels, with everything.
        if flavour > 0 && self.chance(90) {
            let label = self.pick(&["usr_t", "bin_t", "lib_t", "etc_t"]);
            add(b"security.selinux".to_vec(), format!("system_u:object_r:{label}:s0\0").into_bytes());
        }
        if flavour < 2 {
            return metadata;
        }
        if self.chance(10) {
            let entries = self.below(4);
            let name = self.pick(&["system.posix_acl_access", "system.posix_acl_default"]);
            add(name.into(), [&[2, 0, 0, 0][..], &[1, 0, 6, 0, 255, 255, 255, 255].repeat(entries)].concat());
        }
        if self.chance(10) {
            let name = self.pick(&["opaque", "metacopy", "redirect", "overlay.opaque", "x", ""]);
            add(format!("trusted.overlay.{name}").into_bytes(), b"y".to_vec());
        }
        while self.chance(30) {
            let prefix = self.pick(&["user.", "user.", "trusted.", "security.", "system.", "other."]);
            let length = self.pick(&[1, 1, 1, 2, 9, 240]);
            let name = [prefix.as_bytes(), &self.text(length)].concat();
            let length = self.pick(&[0, 1, 2, 3, 4, 17, 100, 300, 3000]);
            let value = if self.chance(50) {
                vec![self.byte(1, 3); length]
            } else {
                (0..length).map(|_| self.byte(0, 255)).collect()
            };
            add(name, value);
        }
        if self.chance(2) {
            for n in 0..self.below(200) {
                add(format!("user.many{n}").into_bytes(), Vec::new());
            }
        }
        // A dump line holds 65,535 bytes of attributes, where a byte may take four.
        let mut room = 15_000_usize;
        metadata.xattrs.retain(|name, value| {
            let fits = room.checked_sub(name.len() + value.len() + 7);
            room = fits.unwrap_or(room);
            fits.is_some()
        });
        metadata
    }

    fn leaf(&mut self, flavour: usize) -> Arc<Inode> {
        if !self.inodes.is_empty() && self.chance(5) {
            let known = self.below(self.inodes.len());
            return Arc::clone(&self.inodes[known]);
        }
        let metadata = self.metadata(flavour);
        let inode = if self.chance(25) {
            let length = match self.below(10) {
                0 => self.below(4095) + 1,
                1 => 4095 - self.below(100),
                _ => self.below(80) + 1,
            };
            let mut inode = Inode::symlink(self.text(length));
            inode.metadata = metadata;
            inode
        } else {
            let size = match self.below(10) {
                0 | 1 => 0,
                2 => self.pick(&[1, 2, 4095, 4096, 4097, 8191, 8192, 8193, 1 << 20, (1 << 20) + 1]),
                _ => self.below(20_000),
            };
            Inode::regular(metadata, Content::bytes(vec![self.byte(0, 255); size]))
        };
        let inode = Arc::new(inode);
        self.inodes.push(Arc::clone(&inode));
        inode
    }

    fn fill(&mut self, directory: &mut Directory, flavour: usize, depth: usize) {
        let entries = match self.below(12) {
            0 => 0,
            1 => self.below(300),
            2 => 1,
            _ => self.below(14),
        };
        // Names of one length bring the last block to any size.
        let length = self.chance(10).then(|| self.below(60) + 5);
        for _ in 0..entries {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            let name = if let Some(length) = length { self.text(length) } else { self.name() };
            let node: Node = if depth < 30 && self.chance(if depth < 3 { 35 } else { 25 }) {
                let mut below = Directory::new(self.metadata(flavour));
                self.fill(&mut below, flavour, depth + 1);
                below.into()
            } else {
                self.leaf(flavour).into()
            };
            directory.insert(name, node);
        }
    }
}

/// The tree of a seed.
pub(crate) fn case(seed: u64) -> Case {
    let mut dice = Dice { state: seed, inodes: Vec::new(), left: 0 };
    dice.left = u32::try_from(dice.below(1500)).unwrap();
    let flavour = dice.below(3);
    let mut tree = FileTree { root: Directory::new(dice.metadata(flavour)) };
    // The first filling may be no entry; several make it likely that there is a tree.
    for _ in 0..3 {
        dice.fill(&mut tree.root, flavour, 0);
    }
    let verity = dice.chance(30);
    Case { tree, verity }
}
