//! Which blocks of a body are allocated, and which of these are written.

use builder_tree::{Content, Inode, Source};

use crate::format::{BLOCK_LEN, BLOCK_SIZE, blocks_for};
use crate::seal;

/// Zero runs of so many blocks become holes. Shorter ones are allocated, so that a file has few extents.
const HOLE: u64 = 16;

/// Consecutive blocks of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// First block, counted in the file.
    pub(crate) first: u64,
    /// Number of blocks.
    pub(crate) blocks: u64,
}

impl Run {
    pub(crate) fn end(self) -> u64 {
        self.first + self.blocks
    }
}

/// The blocks of an inode, those of its fs-verity metadata last.
pub(crate) fn of_inode(inode: &Inode) -> Vec<Run> {
    let Some(content) = inode.content() else { return Vec::new() };
    let seal = inode.seal.as_deref().map(|seal| seal::run(content.size(), seal));
    allocated(content).into_iter().chain(seal).collect()
}

/// The blocks that are not holes, in order.
pub(crate) fn allocated(content: &Content) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut take = |first: u64, end: u64| {
        let reached = runs.last().map_or(0, |last| last.end());
        if first < reached + HOLE {
            match runs.last_mut() {
                Some(last) => last.blocks = end - last.first,
                None => runs.push(Run { first: 0, blocks: end }),
            }
        } else {
            runs.push(Run { first, blocks: end - first });
        }
    };
    for (run, _) in written(content) {
        take(run.first, run.end());
    }
    // What is left behind the last run is a gap like all others.
    let end = blocks_for(content.size());
    let reached = runs.last().map_or(0, |last| last.end());
    if end > reached && end - reached < HOLE {
        match runs.last_mut() {
            Some(last) => last.blocks = end - last.first,
            None => runs.push(Run { first: 0, blocks: end }),
        }
    }
    runs
}

/// The blocks that are not all zeros, in order, and where their bytes lie.
pub(crate) fn written(content: &Content) -> impl Iterator<Item = (Run, Source<'_>)> {
    content.data().flat_map(|(range, source)| {
        let first = range.offset / BLOCK_SIZE;
        let (whole, pieces) = match source {
            // The store has left zero blocks out already.
            Source::File { .. } => (Some((Run { first, blocks: blocks_for(range.length) }, source)), None),
            Source::Bytes(bytes) => (None, Some(not_zero(first, bytes))),
        };
        whole.into_iter().chain(pieces.into_iter().flatten())
    })
}

/// Divides a body in memory at its zero blocks.
fn not_zero(first: u64, bytes: &[u8]) -> impl Iterator<Item = (Run, Source<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let zero = |block: &[u8]| block.iter().all(|&byte| byte == 0);
        let rest = &bytes[at.min(bytes.len())..];
        let skipped = rest.chunks(BLOCK_LEN).take_while(|block| zero(block)).count();
        let start = at + skipped * BLOCK_LEN;
        let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let blocks = rest.chunks(BLOCK_LEN).take_while(|block| !zero(block)).count();
        at = start + blocks * BLOCK_LEN;
        let run = Run { first: first + (start / BLOCK_LEN) as u64, blocks: blocks as u64 };
        Some((run, Source::Bytes(&bytes[start..at.min(bytes.len())])))
    })
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, ContentStore};

    use super::{Run, allocated, written};

    fn run(first: u64, blocks: u64) -> Run {
        Run { first, blocks }
    }

    #[test]
    fn long_zero_runs_become_holes() {
        let data = |pattern: &[(usize, u8)]| {
            pattern.iter().flat_map(|&(blocks, byte)| vec![byte; blocks * 4096]).collect::<Vec<u8>>()
        };
        let short = [data(&[(1, 1)]), vec![0; 100]].concat();
        let cases: [(Vec<u8>, &[Run], &[Run]); 8] = [
            (vec![], &[], &[]),
            (vec![5], &[run(0, 1)], &[run(0, 1)]),
            (vec![0; 4097], &[run(0, 2)], &[]),
            (data(&[(16, 0)]), &[], &[]),
            (data(&[(15, 0), (1, 1), (15, 0), (2, 2)]), &[run(0, 33)], &[run(15, 1), run(31, 2)]),
            (data(&[(16, 0), (1, 1), (16, 0), (2, 2)]), &[run(16, 1), run(33, 2)], &[run(16, 1), run(33, 2)]),
            (data(&[(1, 1), (16, 0)]), &[run(0, 1)], &[run(0, 1)]),
            (short, &[run(0, 2)], &[run(0, 1)]),
        ];
        let mut store = ContentStore::new(&std::env::temp_dir()).unwrap();
        for (body, blocks, bytes) in cases {
            for content in [store.add(b"", &body).unwrap(), Content::bytes(body)] {
                assert_eq!(allocated(&content), blocks);
                assert_eq!(written(&content).map(|(run, _)| run).collect::<Vec<_>>(), bytes);
            }
        }
    }
}
