"""S3's bodies: on disk, not in memory."""
