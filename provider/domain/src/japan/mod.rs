//! Japanese input, forgiven: what people type is folded into what was meant, and two spellings of one thing are found
//! to be one. What was typed is never thrown away; a *search key* stands beside it.

pub mod date;
pub mod fold;
pub mod holidays;
pub mod name;
pub mod phone;
pub mod place;
pub mod postal;
mod search;

pub use search::{id_key, kana_key, search_key};
