//! Waiting for the disk, together: one flush serves every commit that was made before it began.
//!
//! SQLite could flush its log at each commit; then the one writer stands still for each of them in turn. Here it commits
//! without (`synchronous = normal`), is free for the next at once, and whoever must be able to rely on a commit waits for a
//! flush of the log that began after it. What a power cut takes away was acknowledged to nobody: the log's checksums end
//! it at the last whole commit.

use crate::{StoreError, error::Cause};
use std::{
    fs::OpenOptions,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};
use tokio::sync::Mutex;

/// The log of an SQLite file.
pub(crate) struct Disk {
    file: PathBuf,
    /// How many commits have asked.
    asked: AtomicU64,
    /// The commits up to this one are on the disk. Held by whoever flushes; the others wait for it.
    settled: Mutex<u64>,
    /// A flush failed: the system may have dropped what it could not write, so that a later one proves nothing.
    broken: AtomicBool,
}

impl Disk {
    /// Of the database file at `path`.
    pub(crate) fn new(path: &Path) -> Self {
        Self { file: path.to_owned(), asked: AtomicU64::new(0), settled: Mutex::new(0), broken: AtomicBool::new(false) }
    }

    /// Returns when everything that was committed before the call is on the disk.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses, from then on always: nobody knows what it kept.
    pub(crate) async fn settle(&self) -> Result<(), StoreError> {
        let mine = self.asked.fetch_add(1, Ordering::AcqRel) + 1;
        let mut settled = self.settled.lock().await;
        if self.broken.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable(Cause::new("the disk refused to keep an earlier commit")));
        }
        if *settled >= mine {
            return Ok(());
        }
        let with_mine = self.asked.load(Ordering::Acquire);
        let file = self.file.clone();
        let flushed = tokio::task::spawn_blocking(move || flush(&file)).await;
        match flushed.unwrap_or_else(|stopped| Err(stopped.into())) {
            Ok(()) => {
                *settled = with_mine;
                Ok(())
            }
            Err(error) => {
                self.broken.store(true, Ordering::Release);
                tracing::error!(%error, "the disk refused to keep a commit; restart when it is mended");
                Err(StoreError::Unavailable(Cause::new("the disk refused to keep a commit")))
            }
        }
    }
}

/// The log stands beside the database file itself, wherever a link to it leads. It is opened each time: SQLite removes it
/// with its last connection and makes another with the next. Where there is none, all of it stands in the database file,
/// which SQLite flushed.
fn flush(file: &Path) -> std::io::Result<()> {
    let mut log = file.canonicalize()?.into_os_string();
    log.push("-wal");
    match OpenOptions::new().write(true).open(log) {
        Ok(log) => log.sync_data(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flush_serves_all_that_asked_before_it_and_a_failure_is_not_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("there"), "database").unwrap();
        let disk = Disk::new(&directory.path().join("there"));
        disk.settle().await.unwrap();
        std::fs::write(directory.path().join("there-wal"), "log").unwrap();
        let (a, b, c) = tokio::join!(disk.settle(), disk.settle(), disk.settle());
        assert!(a.is_ok() && b.is_ok() && c.is_ok());
        assert_eq!(*disk.settled.lock().await, 4);

        // a folder in the log's place cannot be opened for writing
        std::fs::write(directory.path().join("not"), "database").unwrap();
        std::fs::create_dir(directory.path().join("not-wal")).unwrap();
        let disk = Disk::new(&directory.path().join("not"));
        assert!(matches!(disk.settle().await, Err(StoreError::Unavailable(_))));
        std::fs::remove_dir(directory.path().join("not-wal")).unwrap();
        assert!(matches!(disk.settle().await, Err(StoreError::Unavailable(_))), "what was lost stays lost");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_link_to_the_database_leads_to_the_log_beside_the_file_itself() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real"), directory.path().join("link"));
        std::fs::write(&real, "database").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        std::fs::create_dir(directory.path().join("real-wal")).unwrap();
        assert!(Disk::new(&link).settle().await.is_err(), "it was the real one's log that could not be opened");
    }
}
