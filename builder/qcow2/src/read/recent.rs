//! What was used last is kept.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The few values that were used last, by number.
pub(super) struct Recent<T> {
    room: usize,
    /// The last one used comes first.
    kept: Mutex<Vec<(u64, Arc<T>)>>,
}

impl<T> Recent<T> {
    /// Keeps `room` values.
    pub(super) fn new(room: usize) -> Self {
        Self { room, kept: Mutex::new(Vec::new()) }
    }

    /// The value with this number, made where it is not kept. Nobody waits for it to be made, so two threads may make
    /// the same.
    pub(super) fn get<E>(&self, number: u64, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        if let Some(value) = self.find(number) {
            return Ok(value);
        }
        let value = Arc::new(make()?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(0, (number, Arc::clone(&value)));
        kept.truncate(self.room);
        Ok(value)
    }

    fn find(&self, number: u64) -> Option<Arc<T>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let position = kept.iter().position(|(other, _)| *other == number)?;
        kept[..=position].rotate_right(1);
        kept.first().map(|(_, value)| Arc::clone(value))
    }
}

impl<T> fmt::Debug for Recent<T> {
    /// Without the values, which are large.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recent").field("room", &self.room).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Recent;

    #[test]
    fn what_was_not_used_for_longest_is_dropped() {
        let recent = Recent::new(2);
        let mut made = Vec::new();
        for number in [1, 2, 1, 3, 1, 2, 3] {
            let value = recent.get(number, || {
                made.push(number);
                Ok::<_, ()>(number * 10)
            });
            assert_eq!(*value.unwrap(), number * 10);
        }
        assert_eq!(made, [1, 2, 3, 2, 3]);
        assert_eq!(recent.get(9, || Err("no")), Err("no"));
    }
}
