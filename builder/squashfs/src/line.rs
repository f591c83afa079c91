//! Several threads compress, one writes in the order of the image.
//!
//! ```text
//!            ┌ worker: take the next job, read, compress ┐
//!  jobs ─────┤ worker: take the next job, read, compress ├─► in order ─► writer
//!            └ worker: take the next job, read, compress ┘
//!                       ▲                                                  │
//!                       └────────────── buffers, a fixed number ───────────┘
//! ```
//!
//! A worker waits for buffers before it takes a job, so the job that the writer waits for always has some.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::thread;

use builder_block::is_zero;
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::encode::Encoder;
use crate::error::WriteError;
use crate::jobs::{Job, Jobs, Task, read};
use crate::plan::Plan;

/// Most threads that compress: each brings four blocks of memory, and what zstd needs.
const MOST_THREADS: usize = 16;

/// Memory for a block and for what becomes of it; it goes round.
#[derive(Debug, Default)]
struct Buffers {
    plain: Vec<u8>,
    packed: Vec<u8>,
}

/// A job that is done.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) job: Job,
    buffers: Buffers,
    form: Form,
}

/// How a block is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Zero,
    Plain,
    Packed,
}

/// The bytes that are stored of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stored<'a> {
    /// None, for it is zero.
    Zero,
    /// As they are.
    Plain(&'a [u8]),
    /// Compressed.
    Packed(&'a [u8]),
}

impl Encoded {
    pub(crate) fn stored(&self) -> Stored<'_> {
        match self.form {
            Form::Zero => Stored::Zero,
            Form::Plain => Stored::Plain(&self.buffers.plain),
            Form::Packed => Stored::Packed(&self.buffers.packed),
        }
    }
}

/// What a worker tells.
enum Message {
    /// What came of the job of this number.
    Job(u64, Result<Encoded, WriteError>),
    /// It will tell nothing more, and a job is lost.
    Lost,
}

/// Tells where a worker does not come to its end: nobody waits for what it will not do any more.
struct Duty<'a> {
    sender: &'a Sender<Message>,
    done: bool,
}

impl Drop for Duty<'_> {
    fn drop(&mut self) {
        if !self.done {
            // Where nobody listens any more, nobody waits.
            let _ = self.sender.send(Message::Lost);
        }
    }
}

/// Jobs, and the number of the next.
struct Queue<'p> {
    jobs: Jobs<'p>,
    next: u64,
}

/// Does all jobs of `plan` on so many `threads` (1 to 16); `write` gets what came of them in the order of the image.
pub(crate) fn run(
    plan: &Plan<'_>,
    threads: usize,
    write: &mut dyn FnMut(&Encoded) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let threads = threads.clamp(1, MOST_THREADS);
    let slots = threads * 2 + 2;
    let queue = Mutex::new(Queue { jobs: Jobs::new(plan), next: 0 });
    let (give, take) = bounded(slots);
    // Room for every job that has buffers, and for every farewell: a worker never waits to tell.
    let (tell, told) = bounded(slots + threads);
    for _ in 0..slots {
        // There is room for all of them, and the other end is below.
        let _ = give.send(Buffers::default());
    }
    thread::scope(|scope| {
        for _ in 0..threads {
            let (queue, take, tell) = (&queue, take.clone(), tell.clone());
            scope.spawn(move || work(plan, queue, &take, &tell));
        }
        drop((take, tell));
        let result = in_order(&told, &give, write);
        // Workers that wait for buffers, or tell, find nobody there. They end before this does.
        drop((give, told));
        result?;
        let mut rest = queue.lock().unwrap_or_else(PoisonError::into_inner);
        // Only where a worker was lost is there something left.
        match rest.jobs.next() {
            None => Ok(()),
            Some(_) => Err(WriteError::Thread),
        }
    })
}

fn work(plan: &Plan<'_>, queue: &Mutex<Queue<'_>>, take: &Receiver<Buffers>, tell: &Sender<Message>) {
    let mut duty = Duty { sender: tell, done: false };
    let mut encoder = None;
    while let Ok(buffers) = take.recv() {
        let (number, job) = {
            // What panics while it holds the lock has lost its job, and says so.
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(job) = queue.jobs.next() else { break };
            queue.next += 1;
            (queue.next - 1, job)
        };
        let encoded = job.and_then(|job| encode(plan, job, buffers, &mut encoder));
        if tell.send(Message::Job(number, encoded)).is_err() {
            break;
        }
    }
    duty.done = true;
}

fn encode(
    plan: &Plan<'_>,
    job: Job,
    mut buffers: Buffers,
    encoder: &mut Option<Encoder>,
) -> Result<Encoded, WriteError> {
    read(plan, job.task, &mut buffers.plain)?;
    let may_be_hole = matches!(job.task, Task::Block { .. });
    if may_be_hole && is_zero(&buffers.plain) {
        return Ok(Encoded { job, buffers, form: Form::Zero });
    }
    let encoder = match encoder {
        Some(encoder) => encoder,
        None => encoder.insert(Encoder::new(plan.options.level, plan.block_log).map_err(WriteError::Compress)?),
    };
    let shorter = encoder.compress(&buffers.plain, &mut buffers.packed).map_err(WriteError::Compress)?;
    Ok(Encoded { job, buffers, form: if shorter { Form::Packed } else { Form::Plain } })
}

fn in_order(
    told: &Receiver<Message>,
    give: &Sender<Buffers>,
    write: &mut dyn FnMut(&Encoded) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for message in told {
        match message {
            Message::Lost => return Err(WriteError::Thread),
            Message::Job(number, result) => drop(early.insert(number, result)),
        }
        while let Some(result) = early.remove(&next) {
            let encoded = result?;
            write(&encoded)?;
            next += 1;
            // Nobody is there who needs them when all workers have ended.
            let _ = give.send(encoded.buffers);
        }
    }
    if early.is_empty() { Ok(()) } else { Err(WriteError::Thread) }
}
