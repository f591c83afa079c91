//! The tree under one kind of names: ISO 9660's own with Rock Ridge, or Joliet's.

use std::collections::{BTreeMap, VecDeque};

use crate::names::identifiers;
use crate::tree::{Kind, Tree};
use crate::{IsoError, Metadata, joliet};

/// A file, directory or link, by its number in the list of all: the root is 0, and parents come before their children.
pub(crate) struct Node {
    pub(crate) parent: usize,
    pub(crate) name: String,
    pub(crate) metadata: Metadata,
    pub(crate) kind: Kind,
    /// Bytes of a file for whose records there is room, where they are more than it has.
    pub(crate) most: u64,
    pub(crate) children: Vec<usize>,
}

/// Everything of `tree`.
pub(crate) fn nodes(tree: &Tree) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut known: BTreeMap<&[String], usize> = BTreeMap::new();
    for (path, entry) in tree.entries() {
        let number = nodes.len();
        known.insert(path, number);
        let (parent, name) = match path.split_last() {
            // A tree has no entry without the directory above, which sorts before it.
            Some((name, above)) => (known[above], name.clone()),
            None => (0, String::new()),
        };
        if number != 0 {
            nodes[parent].children.push(number);
        }
        let (metadata, kind, most) = (entry.metadata, entry.kind.clone(), entry.most);
        nodes.push(Node { parent, name, metadata, kind, most, children: Vec::new() });
    }
    nodes
}

/// The path of a node, without a slash at the begin.
pub(crate) fn path(nodes: &[Node], mut node: usize) -> String {
    let mut names = Vec::new();
    while node != 0 {
        names.push(nodes[node].name.as_str());
        node = nodes[node].parent;
    }
    names.reverse();
    names.join("/")
}

/// Which names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Of ISO 9660, with Rock Ridge.
    Iso,
    /// Of Joliet, which has no links.
    Joliet,
}

/// Which end of the numbers of a path table comes first.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    Little,
    Big,
}

/// All directories with their children, in the orders in which they are written.
pub(crate) struct Hierarchy {
    pub(crate) names: Names,
    /// By node; empty for the root and for what is not shown.
    pub(crate) identifiers: Vec<Vec<u8>>,
    /// By node: what is in it, sorted.
    pub(crate) children: Vec<Vec<usize>>,
    /// The directories in the order of the path table: ECMA-119, section 6.9.1.
    pub(crate) directories: Vec<usize>,
    /// By node: its place in the path table, from 1.
    numbers: Vec<u16>,
}

impl Hierarchy {
    pub(crate) fn new(nodes: &[Node], names: Names) -> Result<Self, IsoError> {
        let mut identifiers = vec![Vec::new(); nodes.len()];
        let mut children = vec![Vec::new(); nodes.len()];
        for (number, node) in nodes.iter().enumerate() {
            children[number] = match names {
                Names::Iso => iso_children(nodes, node, &mut identifiers),
                Names::Joliet => joliet_children(nodes, node, &mut identifiers)?,
            };
        }
        let mut directories = Vec::new();
        let mut numbers = vec![0; nodes.len()];
        let mut waiting = VecDeque::from([0]);
        // Level by level; within one by the number of the parent, then by identifier: just as they come here.
        while let Some(node) = waiting.pop_front() {
            directories.push(node);
            let count = directories.len();
            numbers[node] = u16::try_from(count).map_err(|_| IsoError::TooMany {
                what: "directories",
                count: count as u64,
                limit: u64::from(u16::MAX),
            })?;
            let below = children[node].iter().copied();
            waiting.extend(below.filter(|&child: &usize| matches!(nodes[child].kind, Kind::Directory)));
        }
        Ok(Self { names, identifiers, children, directories, numbers })
    }

    /// The path table; ECMA-119, section 9.4. `blocks` tells where a directory begins.
    pub(crate) fn path_table(&self, nodes: &[Node], order: Order, blocks: impl Fn(usize) -> u32) -> Vec<u8> {
        let mut table = Vec::new();
        for &node in &self.directories {
            let identifier: &[u8] = if node == 0 { &[0] } else { &self.identifiers[node] };
            // At most 128 bytes, of Joliet.
            table.push(u8::try_from(identifier.len()).expect("identifiers are short"));
            table.push(0);
            let (block, parent) = (blocks(node), self.numbers[nodes[node].parent]);
            match order {
                Order::Little => {
                    table.extend_from_slice(&block.to_le_bytes());
                    table.extend_from_slice(&parent.to_le_bytes());
                }
                Order::Big => {
                    table.extend_from_slice(&block.to_be_bytes());
                    table.extend_from_slice(&parent.to_be_bytes());
                }
            }
            table.extend_from_slice(identifier);
            if !identifier.len().is_multiple_of(2) {
                table.push(0);
            }
        }
        table
    }
}

fn is_directory(node: &Node) -> bool {
    matches!(node.kind, Kind::Directory)
}

fn iso_children(nodes: &[Node], node: &Node, into: &mut [Vec<u8>]) -> Vec<usize> {
    let names: Vec<(&str, bool)> =
        node.children.iter().map(|&child| (nodes[child].name.as_str(), is_directory(&nodes[child]))).collect();
    let mut sorted: Vec<_> = identifiers(&names).into_iter().zip(node.children.iter().copied()).collect();
    sorted.sort();
    for (identifier, child) in &sorted {
        into[*child] = identifier.bytes();
    }
    sorted.into_iter().map(|(_, child)| child).collect()
}

fn joliet_children(nodes: &[Node], node: &Node, into: &mut [Vec<u8>]) -> Result<Vec<usize>, IsoError> {
    let shown = |&child: &usize| !matches!(nodes[child].kind, Kind::Symlink(_));
    let mut sorted: Vec<usize> = node.children.iter().copied().filter(shown).collect();
    for &child in &sorted {
        into[child] = joliet::identifier(&nodes[child].name, &path(nodes, child))?;
    }
    // ECMA-119, section 9.3, with UCS-2 units, big end first: bytes sort as units do.
    sorted.sort_by(|&a, &b| into[a].cmp(&into[b]));
    Ok(sorted)
}
