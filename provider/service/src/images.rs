//! From bytes that somebody uploaded to an image that may be kept: decoded under limits, turned upright, drawn anew.
//!
//! What is kept is never what came in. Pixels are decoded and encoded again, so metadata (GPS position, embedded
//! previews), data hidden after the end of the image and files that are two formats at once do not survive. Called by
//! [`crate::documents`].

use image::{
    DynamicImage, ImageDecoder, ImageFormat, Limits,
    codecs::{gif::GifDecoder, jpeg::JpegDecoder, jpeg::JpegEncoder, png::PngDecoder, png::PngEncoder},
    imageops::FilterType,
    metadata::Orientation,
};
use madoguchi_domain::tenant::DocumentPolicy;
use std::{collections::HashSet, io::Cursor, sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Images that are decoded at the same time; each may hold some ten bytes for every pixel.
const SLOTS: usize = 2;
/// How long an upload waits for a slot, and then for its decoding.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a decoder may allocate beside the pixels it returns.
const DECODER_MEMORY: u64 = 64 * 1024 * 1024;
/// Widest and highest that is read.
const LONGEST_SIDE_READ: u32 = 20_000;
/// Longest side of what is kept: an A4 page at 270 dpi.
const LONGEST_SIDE_KEPT: u32 = 3_200;
/// Longest side of a thumbnail.
const LONGEST_SIDE_THUMBNAIL: u32 = 320;
/// Up to so many colours an image is a drawing or a screenshot and stays lossless.
const FEW_COLOURS: usize = 256;

/// Why bytes did not become an image. All of these are the sender's to mend, but [`ImageError::Busy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// No byte at all.
    #[error("the file is empty")]
    Empty,
    /// More bytes than the tenant allows.
    #[error("the file has more than {max} bytes")]
    TooLarge {
        /// The most that is allowed.
        max: usize,
    },
    /// Neither jpeg nor gif nor png inside, whatever its name says.
    #[error("the file is neither jpeg nor gif nor png")]
    NotAnImage,
    /// Its header announces more pixels than are read.
    #[error("the image has more than {max} pixels")]
    TooManyPixels {
        /// The most that is allowed.
        max: u64,
    },
    /// It begins as an image and cannot be read to its end.
    #[error("the image is damaged")]
    Broken,
    /// All slots are taken, or decoding took too long; may be tried again.
    #[error("too many images are being read at the moment")]
    Busy,
}

impl ImageError {
    /// The stable code of its message.
    pub fn code(self) -> &'static str {
        match self {
            ImageError::Empty => "document_empty",
            ImageError::TooLarge { .. } => "document_too_large",
            ImageError::NotAnImage => "document_not_an_image",
            ImageError::TooManyPixels { .. } => "document_too_many_pixels",
            ImageError::Broken => "document_broken",
            ImageError::Busy => "document_busy",
        }
    }
}

/// An image drawn anew.
#[derive(Clone, PartialEq, Eq)]
pub struct CleanImage {
    /// `image/jpeg` or `image/png`.
    pub media_type: &'static str,
    /// Width in pixels, as kept and upright.
    pub width: u32,
    /// Height in pixels, as kept and upright.
    pub height: u32,
    /// The encoded image.
    pub bytes: Vec<u8>,
    /// A small one, `image/jpeg`.
    pub thumbnail: Vec<u8>,
}

impl std::fmt::Debug for CleanImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CleanImage")
            .field("media_type", &self.media_type)
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

/// Where images are decoded: a few at a time, away from the threads that answer requests.
#[derive(Debug, Clone)]
pub struct ImagePipeline {
    slots: Arc<Semaphore>,
    patience: Duration,
}

impl Default for ImagePipeline {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl ImagePipeline {
    /// One that waits for so long: for a slot, and then for the decoding.
    pub fn with_patience(patience: Duration) -> Self {
        Self { slots: Arc::new(Semaphore::new(SLOTS)), patience }
    }

    /// Reads, checks and draws an upload anew.
    ///
    /// # Errors
    /// [`ImageError`]; a decoder that fails in an unforeseen way counts as [`ImageError::Broken`].
    pub async fn clean(&self, upload: Vec<u8>, policy: &DocumentPolicy) -> Result<CleanImage, ImageError> {
        // What can be refused without a slot, is.
        let format = sniff(&upload, policy)?;
        let max_pixels = policy.max_pixels;
        let waited = tokio::time::timeout(self.patience, Arc::clone(&self.slots).acquire_owned()).await;
        let Ok(Ok(slot)) = waited else { return Err(ImageError::Busy) };
        // The slot moves along: a decoder that outlives the deadline keeps it until it ends.
        let task = tokio::task::spawn_blocking(move || {
            let clean = clean(upload, format, max_pixels);
            drop(slot);
            clean
        });
        match tokio::time::timeout(self.patience, task).await {
            Ok(Ok(clean)) => clean,
            Ok(Err(_panicked)) => Err(ImageError::Broken),
            Err(_elapsed) => Err(ImageError::Busy),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Jpeg,
    Gif,
    Png,
}

/// By content only: a file's name and declared type are what its sender says.
fn sniff(upload: &[u8], policy: &DocumentPolicy) -> Result<Format, ImageError> {
    if upload.is_empty() {
        return Err(ImageError::Empty);
    }
    if upload.len() > policy.max_bytes {
        return Err(ImageError::TooLarge { max: policy.max_bytes });
    }
    match image::guess_format(upload) {
        Ok(ImageFormat::Jpeg) => Ok(Format::Jpeg),
        Ok(ImageFormat::Gif) => Ok(Format::Gif),
        Ok(ImageFormat::Png) => Ok(Format::Png),
        Ok(_) | Err(_) => Err(ImageError::NotAnImage),
    }
}

fn clean(upload: Vec<u8>, format: Format, max_pixels: u64) -> Result<CleanImage, ImageError> {
    let refused = |error: image::ImageError| match error {
        image::ImageError::Limits(_) => ImageError::TooManyPixels { max: max_pixels },
        image::ImageError::Decoding(_)
        | image::ImageError::Encoding(_)
        | image::ImageError::Parameter(_)
        | image::ImageError::Unsupported(_)
        | image::ImageError::IoError(_) => ImageError::Broken,
    };
    let input = Cursor::new(upload);
    let (pixels, orientation) = match format {
        Format::Jpeg => decode(JpegDecoder::new(input).map_err(refused)?, max_pixels),
        Format::Gif => decode(GifDecoder::new(input).map_err(refused)?, max_pixels),
        Format::Png => decode(PngDecoder::with_limits(input, limits(0)).map_err(refused)?, max_pixels),
    }?;
    let pixels = kept_size(pixels);
    let mut pixels = on_white(pixels);
    pixels.apply_orientation(orientation);
    let thumbnail = jpeg(&small(&pixels), 80).map_err(refused)?;
    let lossless = format != Format::Jpeg && has_few_colours(&pixels);
    let (media_type, bytes) = if lossless {
        ("image/png", png(&pixels).map_err(refused)?)
    } else {
        ("image/jpeg", jpeg(&pixels, 88).map_err(refused)?)
    };
    Ok(CleanImage { media_type, width: pixels.width(), height: pixels.height(), bytes, thumbnail })
}

/// The limits of a decoder that may return `pixel_bytes` and use its own memory beside.
fn limits(pixel_bytes: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(LONGEST_SIDE_READ);
    limits.max_image_height = Some(LONGEST_SIDE_READ);
    limits.max_alloc = Some(DECODER_MEMORY.saturating_add(pixel_bytes));
    limits
}

/// Decodes the first (or only) picture. The header's numbers are looked at before a pixel is.
fn decode<D: ImageDecoder>(mut decoder: D, max_pixels: u64) -> Result<(DynamicImage, Orientation), ImageError> {
    let too_many = ImageError::TooManyPixels { max: max_pixels };
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(ImageError::Broken);
    }
    let area = u64::from(width).saturating_mul(u64::from(height));
    // Eight bits for each of four channels; what has sixteen is read up to half the size.
    if area > max_pixels || decoder.total_bytes() > max_pixels.saturating_mul(4) {
        return Err(too_many);
    }
    decoder.set_limits(limits(decoder.total_bytes())).map_err(|_| too_many)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let pixels = DynamicImage::from_decoder(decoder).map_err(|error| match error {
        image::ImageError::Limits(_) => too_many,
        image::ImageError::Decoding(_)
        | image::ImageError::Encoding(_)
        | image::ImageError::Parameter(_)
        | image::ImageError::Unsupported(_)
        | image::ImageError::IoError(_) => ImageError::Broken,
    })?;
    Ok((pixels, orientation))
}

fn kept_size(pixels: DynamicImage) -> DynamicImage {
    if pixels.width().max(pixels.height()) <= LONGEST_SIDE_KEPT {
        return pixels;
    }
    pixels.resize(LONGEST_SIDE_KEPT, LONGEST_SIDE_KEPT, FilterType::Triangle)
}

fn small(pixels: &DynamicImage) -> DynamicImage {
    if pixels.width().max(pixels.height()) <= LONGEST_SIDE_THUMBNAIL {
        return pixels.clone();
    }
    pixels.thumbnail(LONGEST_SIDE_THUMBNAIL, LONGEST_SIDE_THUMBNAIL)
}

/// Eight bits, no transparency: what was clear is white, as on paper.
fn on_white(pixels: DynamicImage) -> DynamicImage {
    if !pixels.color().has_alpha() {
        return if pixels.color().has_color() { pixels.into_rgb8().into() } else { pixels.into_luma8().into() };
    }
    let rgba = pixels.into_rgba8();
    let mut rgb = image::RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in rgb.pixels_mut().zip(rgba.pixels()) {
        let [r, g, b, alpha] = from.0.map(u16::from);
        let over = |channel: u16| u8::try_from((channel * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX);
        to.0 = [over(r), over(g), over(b)];
    }
    rgb.into()
}

fn has_few_colours(pixels: &DynamicImage) -> bool {
    match pixels.as_rgb8() {
        Some(rgb) => {
            let mut seen = HashSet::with_capacity(FEW_COLOURS + 1);
            rgb.pixels().all(|p| {
                seen.insert(p.0);
                seen.len() <= FEW_COLOURS
            })
        }
        // A grey photograph has 256 tones as well; only a small one is worth keeping without loss.
        None => u64::from(pixels.width()) * u64::from(pixels.height()) < 1_000_000,
    }
}

fn jpeg(pixels: &DynamicImage, quality: u8) -> image::ImageResult<Vec<u8>> {
    let mut out = Vec::new();
    pixels.write_with_encoder(JpegEncoder::new_with_quality(&mut out, quality))?;
    Ok(out)
}

fn png(pixels: &DynamicImage) -> image::ImageResult<Vec<u8>> {
    let mut out = Vec::new();
    pixels.write_with_encoder(PngEncoder::new(&mut out))?;
    Ok(out)
}
