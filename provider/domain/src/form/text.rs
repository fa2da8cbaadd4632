//! What every text has in common.
