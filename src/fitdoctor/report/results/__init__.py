"""The parts of a report, by family. `report.model` exports them all."""
