"""An ingress's log, metrics, health and pages for operators."""
