//! Turns the postal data into what a lookup reads: blocks of a thousand rows, each compressed by itself, and an index
//! of their first codes. A lookup then inflates some kilobytes and the program keeps nothing in memory.

use flate2::{Compression, read::GzDecoder, write::DeflateEncoder};
use std::{
    env,
    error::Error,
    fs::{self, File},
    io::{Read, Write},
    path::PathBuf,
};

/// Rows of a block; a postal code is never split over two.
const ROWS: usize = 1024;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=data");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out.join("municipalities.tsv"), unzip("data/jp-municipalities.tsv.gz")?)?;

    let (mut blocks, mut index): (Vec<u8>, Vec<u8>) = (Vec::new(), Vec::new());
    let (mut code, mut municipality, mut rows, mut block) = (0u32, String::new(), 0usize, String::new());
    for line in unzip("data/jp-postal-delta.tsv.gz")?.lines() {
        let mut cells = line.split('\t');
        let step = cells.next().unwrap_or_default();
        let step: u32 = if step.is_empty() { 0 } else { step.parse()? };
        if rows >= ROWS && step > 0 {
            close(&mut blocks, &mut block)?;
            rows = 0;
        }
        code += step;
        let changed = cells.next().unwrap_or_default();
        if !changed.is_empty() {
            municipality = changed.to_owned();
        }
        let town = cells.next().unwrap_or_default();
        if rows == 0 {
            // a block stands by itself: its first row says all
            index.extend(code.to_le_bytes());
            index.extend(u32::try_from(blocks.len())?.to_le_bytes());
            block.push_str(&format!("{code}\t{municipality}\t{town}\n"));
        } else {
            block.push_str(line);
            block.push('\n');
        }
        rows += 1;
    }
    close(&mut blocks, &mut block)?;
    fs::write(out.join("postal.blocks"), blocks)?;
    fs::write(out.join("postal.index"), index)?;
    Ok(())
}

fn unzip(path: &str) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    GzDecoder::new(File::open(path)?).read_to_string(&mut text)?;
    Ok(text)
}

fn close(blocks: &mut Vec<u8>, block: &mut String) -> Result<(), Box<dyn Error>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(block.as_bytes())?;
    blocks.extend(encoder.finish()?);
    block.clear();
    Ok(())
}
