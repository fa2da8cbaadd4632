//! Host.
fn main(){}
