//! Pictures from strangers.

use crate::{
    applying::{photo, with_form},
    support::World,
};
use image::{ImageFormat, ImageReader};
use madoguchi_domain::{id::DocumentId, tenant::DocumentPolicy};
use madoguchi_service::{
    Rendition,
    images::{CleanImage, ImageError, ImagePipeline},
};
use std::{io::Cursor, time::Duration};

async fn clean(upload: impl Into<Vec<u8>>) -> Result<CleanImage, ImageError> {
    // Unoptimised, and beside other tests, it takes its time.
    ImagePipeline::with_patience(Duration::from_secs(120)).clean(upload.into(), &DocumentPolicy::default()).await
}

fn size(bytes: &[u8]) -> (u32, u32) {
    ImageReader::new(Cursor::new(bytes)).with_guessed_format().unwrap().into_dimensions().unwrap()
}

fn holds(bytes: &[u8], canary: &[u8]) -> bool {
    bytes.windows(canary.len()).any(|w| w == canary)
}

#[tokio::test]
async fn what_is_not_a_picture_inside_is_refused_whatever_it_is_called() {
    let webp = b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0\x30\x01\0\x9d\x01\x2a\x01\0\x01\0\x02\0\x34\x25\xa4\0\x03\x70\0\xfe\xfb\xfd\x50\0";
    for bytes in [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".as_slice(),
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7\n1 0 obj",
        webp,
        b"II*\0\x08\0\0\0",
        b"BM\x46\0\0\0",
        b"\0\0\0\x18ftypheic",
        b"PK\x03\x04",
        b"x",
    ] {
        assert_eq!(clean(bytes).await, Err(ImageError::NotAnImage), "{bytes:?}");
    }
    assert_eq!(clean(b"").await, Err(ImageError::Empty));
}

#[tokio::test]
async fn short_and_damaged_pictures_are_told_and_never_panic() {
    let png = photo(20, 20, ImageFormat::Png);
    for length in 1..=33 {
        let error = clean(&png[..length]).await.unwrap_err();
        assert!(matches!(error, ImageError::NotAnImage | ImageError::Broken), "{length}: {error:?}");
    }
    for format in [ImageFormat::Png, ImageFormat::Gif, ImageFormat::Jpeg] {
        let whole = photo(64, 64, format);
        for length in (8..whole.len() / 2).step_by(97) {
            // a jpeg cut short may still show its upper part; nothing else may come through
            match clean(&whole[..length]).await {
                Ok(_) => assert_eq!(format, ImageFormat::Jpeg),
                Err(error) => assert!(matches!(error, ImageError::NotAnImage | ImageError::Broken)),
            }
        }
        for at in (0..whole.len()).step_by(53) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x55;
            let _ = clean(flipped).await;
        }
    }
}

#[tokio::test]
async fn a_header_that_promises_too_much_is_refused_before_a_pixel_is_read() {
    let mut bomb = photo(10, 10, ImageFormat::Png);
    bomb[16..24].copy_from_slice(&[0, 0, 0xC3, 0x50, 0, 0, 0xC3, 0x50]); // 50,000 by 50,000
    let crc = png_crc(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&crc.to_be_bytes());
    assert_eq!(clean(bomb).await, Err(ImageError::TooManyPixels { max: 25_000_000 }));

    let mut gif = photo(10, 10, ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF]);
    assert_eq!(clean(gif).await, Err(ImageError::TooManyPixels { max: 25_000_000 }));

    let policy = DocumentPolicy { max_bytes: 100, max_pixels: 50 };
    let pipeline = ImagePipeline::default();
    assert_eq!(pipeline.clean(vec![0xFF; 101], &policy).await, Err(ImageError::TooLarge { max: 100 }));
    let small = DocumentPolicy { max_bytes: 10_000, ..policy };
    let error = pipeline.clean(photo(10, 6, ImageFormat::Png), &small).await;
    assert_eq!(error, Err(ImageError::TooManyPixels { max: 50 }));
}

fn png_crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { 0xEDB8_8320 ^ (c >> 1) } else { c >> 1 })
    })
}

#[tokio::test]
async fn a_picture_that_is_something_else_as_well_is_only_a_picture_afterwards() {
    const CANARY: &[u8] = b"<script>canary</script>";
    for format in [ImageFormat::Png, ImageFormat::Gif, ImageFormat::Jpeg] {
        let mut polyglot = photo(40, 30, format);
        polyglot.extend_from_slice(CANARY);
        let clean = clean(polyglot).await.unwrap();
        assert!(!holds(&clean.bytes, CANARY) && !holds(&clean.thumbnail, CANARY));
        assert_eq!(size(&clean.bytes), (40, 30));
    }
    // a gif whose comment is a page
    let mut gif = photo(8, 8, ImageFormat::Gif);
    let comment: Vec<u8> = [b"\x21\xFE".as_slice(), &[CANARY.len() as u8], CANARY, b"\0"].concat();
    let colours = 3 * (2usize << (gif[10] & 7)) * usize::from(gif[10] >> 7);
    let at = 13 + colours;
    gif.splice(at..at, comment);
    let clean = clean(gif).await.unwrap();
    assert!(!holds(&clean.bytes, CANARY));
}

/// A jpeg with an EXIF block: orientation 6 (turn right), and a GPS block with a canary.
fn with_exif(jpeg: &[u8]) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    tiff.extend_from_slice(&2u16.to_le_bytes());
    tiff.extend_from_slice(&[0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]); // Orientation = 6
    tiff.extend_from_slice(&[0x25, 0x88, 4, 0, 1, 0, 0, 0, 38, 0, 0, 0]); // GPS IFD at 38
    tiff.extend_from_slice(&0u32.to_le_bytes());
    tiff.extend_from_slice(b"\x00\x00GPS-CANARY-35.6N");
    let mut block = b"Exif\0\0".to_vec();
    block.extend_from_slice(&tiff);
    let length = u16::try_from(block.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &block, &jpeg[2..]].concat()
}

#[tokio::test]
async fn a_photograph_is_turned_upright_and_forgets_where_it_was_taken() {
    let upload = with_exif(&photo(60, 40, ImageFormat::Jpeg));
    assert!(holds(&upload, b"GPS-CANARY"));
    let clean = clean(upload).await.unwrap();
    assert_eq!((clean.width, clean.height), (40, 60));
    assert_eq!(size(&clean.bytes), (40, 60));
    assert!(!holds(&clean.bytes, b"GPS-CANARY") && !holds(&clean.bytes, b"Exif"));
    assert_eq!(clean.media_type, "image/jpeg");
}

#[tokio::test]
async fn big_photographs_are_kept_at_a_readable_size_and_drawings_without_loss() {
    let big = clean(photo(4000, 1000, ImageFormat::Jpeg)).await.unwrap();
    assert_eq!((big.width, big.height), (3200, 800));
    assert_eq!(size(&big.thumbnail), (320, 80));
    let mut drawing = image::RgbaImage::from_pixel(50, 50, image::Rgba([0, 0, 0, 0]));
    drawing.put_pixel(3, 3, image::Rgba([200, 0, 0, 255]));
    let mut png = Cursor::new(Vec::new());
    drawing.write_to(&mut png, ImageFormat::Png).unwrap();
    let kept = clean(png.into_inner()).await.unwrap();
    assert_eq!(kept.media_type, "image/png");
    let kept = image::load_from_memory(&kept.bytes).unwrap().into_rgb8();
    assert_eq!(kept.get_pixel(0, 0).0, [255, 255, 255]);
    assert_eq!(kept.get_pixel(3, 3).0, [200, 0, 0]);
}

#[tokio::test]
async fn blobs_that_changed_places_do_not_open() {
    let world = World::on_sqlite().await;
    let tenant = with_form(&world.certificate, |_| ());
    let (draft, _) = world.begin(&tenant, "taro@example.jp").await;
    for slot in ["document_front", "document_back"] {
        world.service.upload_document(&tenant, &draft, slot, photo(30, 20, ImageFormat::Jpeg)).await.unwrap();
    }
    let documents = world.service.draft_documents(&tenant, &draft).await.unwrap();
    let store = world.database.tenant(&tenant.slug);
    let of = |slot: &str| documents.iter().find(|d| d.slot == slot).unwrap().clone();
    let sealed = store.documents().sealed(&of("document_front").id).await.unwrap().unwrap();
    assert!(!holds(&sealed, b"JFIF"), "stored in clear");
    // the front's bytes under another id, in the back's slot
    let mut moved = of("document_back");
    moved.id = DocumentId::known("doc_elsewhere");
    store.documents().remove(draft.id(), "document_back").await.unwrap();
    store.documents().insert(&moved, &sealed, None).await.unwrap();
    world.service.draft_document(&tenant, &draft, "document_front", Rendition::Full).await.unwrap().unwrap();
    assert!(world.service.draft_document(&tenant, &draft, "document_back", Rendition::Full).await.is_err());
}
