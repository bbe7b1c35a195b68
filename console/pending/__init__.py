"""What `penstock pending` does: finds deliveries that wait for a read of their resource, tries them at once, or gives them up."""
