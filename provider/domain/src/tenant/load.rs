//! From files to a validated tenant, and every problem with its file and line.

use super::TenantConfig;
use std::{collections::BTreeMap, fmt};

/// A tenant's files: path below its folder, with `/`, and content.
pub type TenantFiles = BTreeMap<String, Vec<u8>>;

/// One thing that is wrong in a tenant's files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file's path below the tenant's folder.
    pub file: String,
    /// The line, from 1; none when the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    /// `file:line: message`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl TenantConfig {
    /// Reads and validates a tenant as a whole.
    ///
    /// # Errors
    /// Every problem of every file, in the order of files and lines.
    pub fn from_files(files: &TenantFiles) -> Result<Self, Vec<Problem>> {
        let _ = files;
        Err(Vec::new())
    }
}
