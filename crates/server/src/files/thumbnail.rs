//! Small copies of pictures: upright, without metadata. Pictures come from strangers, so their dimensions are judged before
//! a pixel is decoded, and decoding is bounded in memory.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Write},
    path::Path,
};

use fast_image_resize::{PixelType, ResizeOptions, Resizer, images::Image};
use image::{
    ColorType, DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits, RgbImage, RgbaImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
};

use crate::data;

/// The longer side of a thumbnail in pixels: twice what the pages show, for dense screens.
const SIDE_MAX: u32 = 560;
/// The largest picture that is decoded.
const PIXELS_MAX: u64 = 40_000_000;
/// What decoding may allocate.
const DECODE_BYTES_MAX: u64 = 256 * 1024 * 1024;
const JPEG_QUALITY: u8 = 82;

/// Writes a thumbnail and returns the original's size, turned upright.
pub(super) fn make(from: &Path, to: &Path) -> Result<(u32, u32), String> {
    let (picture, orientation) = decode(from)?;
    let mut small = shrink(picture.0)?;
    small.apply_orientation(orientation);
    write(&small, to).map_err(|error| {
        // Left over by a full disk, perhaps; a thumbnail is there in full or not at all.
        std::fs::remove_file(to).ok();
        error.to_string()
    })?;
    let (width, height) = picture.1;
    let turned = matches!(
        orientation,
        image::metadata::Orientation::Rotate90
            | image::metadata::Orientation::Rotate270
            | image::metadata::Orientation::Rotate90FlipH
            | image::metadata::Orientation::Rotate270FlipH
    );
    Ok(if turned { (height, width) } else { (width, height) })
}

type Decoded = ((DynamicImage, (u32, u32)), image::metadata::Orientation);

fn decode(from: &Path) -> Result<Decoded, String> {
    let text = |error: image::ImageError| error.to_string();
    let file = File::open(from).map_err(|error| error.to_string())?;
    let mut reader = ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(|error| error.to_string())?;
    if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif | ImageFormat::WebP)) {
        return Err("it is no picture that we read".into());
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODE_BYTES_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(text)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 || u64::from(width) * u64::from(height) > PIXELS_MAX || decoder.total_bytes() > DECODE_BYTES_MAX {
        return Err(format!("{width} × {height} pixels are too many"));
    }
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).map_err(text)?;
    Ok(((picture, (width, height)), orientation))
}

fn shrink(picture: DynamicImage) -> Result<DynamicImage, String> {
    let (width, height) = (picture.width(), picture.height());
    let alpha = picture.color().has_alpha();
    let (to_width, to_height) = fitting(width, height);
    let (pixels, kind) =
        if alpha { (picture.into_rgba8().into_raw(), PixelType::U8x4) } else { (picture.into_rgb8().into_raw(), PixelType::U8x3) };
    let from = Image::from_vec_u8(width, height, pixels, kind).map_err(|error| error.to_string())?;
    let mut to = Image::new(to_width, to_height, kind);
    Resizer::new().resize(&from, &mut to, &ResizeOptions::new()).map_err(|error| error.to_string())?;
    let small = if alpha {
        RgbaImage::from_raw(to_width, to_height, to.into_vec()).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(to_width, to_height, to.into_vec()).map(DynamicImage::from)
    };
    small.ok_or_else(|| "the buffer does not fit the picture".into())
}

/// The largest size within `SIDE_MAX` with the same proportions; a small picture keeps its own.
fn fitting(width: u32, height: u32) -> (u32, u32) {
    let longer = width.max(height);
    if longer <= SIDE_MAX {
        return (width, height);
    }
    let scaled =
        |side: u32| u32::try_from(u64::from(side) * u64::from(SIDE_MAX) / u64::from(longer)).expect("not larger than SIDE_MAX").max(1);
    (scaled(width), scaled(height))
}

/// JPEG, or PNG where something shines through.
fn write(picture: &DynamicImage, to: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut writer = BufWriter::new(data::private_file().create_new(true).open(to)?);
    let (width, height, bytes) = (picture.width(), picture.height(), picture.as_bytes());
    match picture.color() {
        ColorType::Rgb8 => {
            JpegEncoder::new_with_quality(&mut writer, JPEG_QUALITY).write_image(bytes, width, height, ExtendedColorType::Rgb8)?
        }
        color => PngEncoder::new(&mut writer).write_image(bytes, width, height, color.into())?,
    }
    writer.flush()?;
    writer.get_ref().sync_all()?;
    Ok(())
}
