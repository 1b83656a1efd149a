"""What tests share: servers, builders, drivers."""
