//! One pass over a disk, however many formats it is written to.
//!
//! ```text
//!                 ┌ worker: read, encode ┐             ┌► output: append, in the order of the disk
//!  DiskSource ────┤ worker: read, encode ├─► in order ─┤
//!                 └ worker: read, encode ┘             └► output: append, in the order of the disk
//! ```
//!
//! A piece is read once and encoded once by each encoder; outputs that share an encoder (a qcow2 file, and one inside
//! of a container) share its work. The number of pieces in memory is bounded, so the slowest part sets the pace.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use builder_block::{DiskSource, PIECE, Piece, Sink};
use crossbeam_channel::{Receiver, bounded};

use super::stream;

/// The part of a format that depends on nothing but the piece: several are encoded at a time.
pub(crate) enum Encoder {
    /// The piece as it is.
    Plain,
    /// A part of a compressed stream.
    Stream(stream::Encoder),
    /// A part of a compressed stream without the zeros between the runs of data.
    Runs(stream::Encoder),
    /// Clusters.
    Qcow2(builder_qcow2::Encoder),
    /// Grains.
    Vmdk(builder_vmdk::Encoder),
}

/// What an encoder made of a piece.
pub(crate) enum Encoded {
    Plain,
    Stream(Arc<stream::Part>),
    Qcow2(builder_qcow2::Encoded),
    Vmdk(builder_vmdk::Encoded),
}

impl Encoder {
    fn encode(&self, piece: &Piece) -> io::Result<Encoded> {
        Ok(match self {
            Self::Plain => Encoded::Plain,
            Self::Stream(encoder) => Encoded::Stream(encoder.piece(piece)?),
            Self::Runs(_) if piece.is_hole() => Encoded::Plain,
            Self::Runs(encoder) => {
                let mut runs = Vec::new();
                for (_, bytes) in piece.data() {
                    runs.extend_from_slice(bytes);
                }
                Encoded::Stream(Arc::new(encoder.part(&runs)?))
            }
            Self::Qcow2(encoder) => Encoded::Qcow2(encoder.encode(piece)?),
            Self::Vmdk(encoder) => Encoded::Vmdk(encoder.encode(piece)?),
        })
    }
}

/// The part of a format that puts the pieces together.
pub(crate) trait Writer: Send {
    /// Appends what was made of a piece. All pieces come, in the order of the disk.
    fn append(&mut self, sink: &mut dyn Sink, piece: &Piece, encoded: &Encoded) -> io::Result<()>;

    /// Completes the file and returns its length in bytes.
    fn finish(self: Box<Self>, sink: &mut dyn Sink) -> io::Result<u64>;
}

/// A writer was given what another encoder made.
pub(crate) fn mismatch() -> io::Error {
    io::Error::other("a format was given another one's pieces")
}

/// An output of the pass.
pub(crate) struct Output<'a> {
    /// Which of the encoders it takes.
    pub(crate) encoder: usize,
    pub(crate) writer: Box<dyn Writer>,
    pub(crate) sink: &'a mut (dyn Sink + Send),
}

/// Why a pass failed.
#[derive(Debug)]
pub(crate) enum PassError {
    /// The disk cannot be read, or not encoded.
    Source(io::Error),
    /// The output of this number cannot be written.
    Output(usize, io::Error),
}

/// A piece that every output gets.
struct Ready {
    number: u64,
    /// Always there, but for the moment in which this is dropped.
    piece: Option<Piece>,
    encoded: Vec<Encoded>,
    /// Lets another piece begin once this one is done with.
    turn: Turn,
}

impl Drop for Ready {
    fn drop(&mut self) {
        self.turn.buffer = self.piece.take().map(Piece::into_buffer).unwrap_or_default();
    }
}

/// The rights to have a piece in memory; whoever waits for one is told when there will be none any more.
struct Turns {
    state: Mutex<TurnState>,
    changed: Condvar,
}

struct TurnState {
    /// The memory of each piece that is not in use: fresh memory costs the kernel as much as the copying itself.
    free: Vec<Vec<u8>>,
    closed: bool,
}

impl Turns {
    fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(TurnState { free: vec![Vec::new(); count], closed: false }),
            changed: Condvar::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, TurnState> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn; `None` once the pass is over.
    fn take(self: &Arc<Self>) -> Option<Turn> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some(buffer) = state.free.pop() {
                return Some(Turn { turns: Arc::clone(self), buffer });
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }
}

/// The right to have a piece in memory.
struct Turn {
    turns: Arc<Turns>,
    buffer: Vec<u8>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.state().free.push(std::mem::take(&mut self.buffer));
        self.turns.changed.notify_one();
    }
}

/// Ends the pass where its thread does not come to its end: nobody waits for what that thread will not do any more.
struct Duty<'a> {
    turns: &'a Turns,
    done: bool,
}

impl<'a> Duty<'a> {
    fn new(turns: &'a Turns) -> Self {
        Self { turns, done: false }
    }

    fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Duty<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.turns.close();
        }
    }
}

/// Most threads that encode: each holds a piece and what is made of it.
const MOST_THREADS: usize = 16;

/// Writes `source` to all of `outputs`; `done` is told how much of the disk has been read and encoded, in bytes. Returns
/// the lengths of the files.
pub(crate) fn run(
    source: &(dyn DiskSource + Sync),
    encoders: &[Encoder],
    outputs: Vec<Output<'_>>,
    threads: usize,
    done: &mut dyn FnMut(u64),
) -> Result<Vec<u64>, PassError> {
    let size = source.size().bytes();
    let pieces = size.div_ceil(PIECE);
    let threads = threads.clamp(1, MOST_THREADS);
    let turns = Turns::new(threads * 2 + 2);
    let next = AtomicU64::new(0);
    let (encoded, arriving) = bounded::<io::Result<Ready>>(threads * 2 + 2);

    thread::scope(|scope| {
        for _ in 0..threads {
            let (turns, encoded, next) = (&turns, encoded.clone(), &next);
            scope.spawn(move || {
                let duty = Duty::new(turns);
                while let Some(turn) = turns.take() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= pieces {
                        break;
                    }
                    let ready = encode(source, encoders, number, turn);
                    let failed = ready.is_err();
                    if encoded.send(ready).is_err() || failed {
                        return;
                    }
                }
                duty.done();
            });
        }
        drop(encoded);

        let mut channels = Vec::new();
        let mut writing = Vec::new();
        for output in outputs {
            let (sender, receiver) = bounded::<Arc<Ready>>(threads * 2 + 2);
            channels.push(sender);
            let turns = &turns;
            writing.push(scope.spawn(move || {
                let duty = Duty::new(turns);
                let written = write(output, pieces, &receiver);
                if written.is_ok() {
                    duty.done();
                }
                written
            }));
        }

        let mut early = BTreeMap::new();
        let mut number = 0;
        let mut failed = None;
        'pass: while number < pieces {
            match arriving.recv() {
                Ok(Ok(ready)) => drop(early.insert(ready.number, Arc::new(ready))),
                Ok(Err(error)) => {
                    failed = Some(error);
                    break;
                }
                // Every thread that encodes has ended, and said why before.
                Err(_) => break,
            }
            while let Some(ready) = early.remove(&number) {
                for channel in &channels {
                    if channel.send(Arc::clone(&ready)).is_err() {
                        // An output has failed, and its thread knows why.
                        break 'pass;
                    }
                }
                number += 1;
                done(size.min(number * PIECE));
            }
        }
        // Threads that wait for a turn or for room find that there is none any more.
        let complete = number == pieces;
        turns.close();
        drop(arriving);
        drop(early);
        drop(channels);
        let mut lengths = Vec::new();
        let mut unfinished = None;
        for (index, thread) in writing.into_iter().enumerate() {
            match thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread that writes ended early"))) {
                Ok(length) => lengths.extend(length),
                Err(error) => drop(unfinished.get_or_insert(PassError::Output(index, error))),
            }
        }
        match (unfinished, failed) {
            (Some(error), _) => Err(error),
            (None, Some(error)) => Err(PassError::Source(error)),
            (None, None) if !complete => Err(PassError::Source(io::Error::other("a thread that reads ended early"))),
            (None, None) => Ok(lengths),
        }
    })
}

fn encode(source: &(dyn DiskSource + Sync), encoders: &[Encoder], number: u64, mut turn: Turn) -> io::Result<Ready> {
    let piece = Piece::read_into(source, number * PIECE, std::mem::take(&mut turn.buffer))?;
    let encoded = encoders.iter().map(|encoder| encoder.encode(&piece)).collect::<io::Result<_>>()?;
    Ok(Ready { number, piece: Some(piece), encoded, turn })
}

/// Writes an output; `None` where the pieces ended before the disk did.
fn write(mut output: Output<'_>, pieces: u64, receiver: &Receiver<Arc<Ready>>) -> io::Result<Option<u64>> {
    let mut count = 0;
    for ready in receiver {
        let (Some(piece), Some(encoded)) = (&ready.piece, ready.encoded.get(output.encoder)) else {
            return Err(mismatch());
        };
        output.writer.append(output.sink, piece, encoded)?;
        count += 1;
    }
    if count < pieces {
        return Ok(None);
    }
    output.writer.finish(output.sink).map(Some)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use builder_block::{ByteSize, DiskSource, PIECE, Piece, ReadAt, Region, Sink};

    use super::{Encoded, Encoder, Output, PassError, Writer, run};

    /// A disk of so many pieces, of which one may be unreadable.
    struct Disk {
        pieces: u64,
        unreadable: Option<u64>,
    }

    impl ReadAt for Disk {
        fn size(&self) -> ByteSize {
            ByteSize::new(self.pieces * PIECE)
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            if self.unreadable == Some(offset / PIECE) {
                return Err(io::Error::other("unreadable"));
            }
            buffer.fill(1);
            Ok(())
        }
    }

    impl DiskSource for Disk {
        fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
            let end = self.size().bytes();
            Ok((from < end).then_some(Region { start: from, end }))
        }
    }

    /// Writes nothing, and fails at a piece, or in the end.
    struct Failing(Option<u64>);

    impl Writer for Failing {
        fn append(&mut self, _: &mut dyn Sink, piece: &Piece, _: &Encoded) -> io::Result<()> {
            if self.0 == Some(piece.offset() / PIECE) { Err(io::Error::other("full")) } else { Ok(()) }
        }

        fn finish(self: Box<Self>, _: &mut dyn Sink) -> io::Result<u64> {
            if self.0 == Some(u64::MAX) { Err(io::Error::other("full")) } else { Ok(7) }
        }
    }

    /// How a pass over 20 pieces ends, in which the outputs fail at these pieces.
    fn pass(unreadable: Option<u64>, outputs: [Option<u64>; 2], threads: usize) -> String {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let disk = Disk { pieces: 20, unreadable };
            let mut files = [tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap()];
            let outputs = outputs.into_iter().zip(&mut files).map(|(fails, sink)| Output {
                encoder: 0,
                writer: Box::new(Failing(fails)),
                sink,
            });
            let ended = match run(&disk, &[Encoder::Plain], outputs.collect(), threads, &mut |_| ()) {
                Ok(lengths) => format!("{lengths:?}"),
                Err(PassError::Source(error)) => format!("source: {error}"),
                Err(PassError::Output(number, error)) => format!("output {number}: {error}"),
            };
            let _ = sender.send(ended);
        });
        // A pass takes some milliseconds; one that waits for nobody takes for ever.
        receiver.recv_timeout(Duration::from_secs(60)).expect("the pass ends")
    }

    #[test]
    fn a_pass_ends_with_the_reason_whoever_fails_and_whenever() {
        for threads in [1, 2, 7] {
            for round in 0..20 {
                assert_eq!(pass(None, [None, None], threads), "[7, 7]");
                assert_eq!(pass(Some(round), [None, None], threads), "source: unreadable");
                assert_eq!(pass(None, [Some(round), None], threads), "output 0: full");
                assert_eq!(pass(None, [None, Some(round)], threads), "output 1: full");
                assert_eq!(pass(None, [Some(round), Some(round)], threads), "output 0: full");
            }
            assert_eq!(pass(None, [None, Some(u64::MAX)], threads), "output 1: full");
        }
    }
}
